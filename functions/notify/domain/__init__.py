"""What a person is told, when, and in which words: pure, a module a subject."""
