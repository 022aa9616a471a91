"""What each action does: one `match` per kind of plan, closed by `assert_never`."""
