"""Pictures: ``draw(axes, object)`` functions in one visual grammar. matplotlib enters the package here and in the labs only."""
