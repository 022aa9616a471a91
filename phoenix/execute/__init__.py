"""The engine that walks any plan, and what each action does to the world."""
