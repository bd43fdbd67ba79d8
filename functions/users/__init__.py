"""Who shops and who works here: accounts, sessions, and the tokens that prove them."""
