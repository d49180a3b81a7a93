"""The checks: from the syntax tree to typed expressions and statements, each rule with DTrace's tag."""
