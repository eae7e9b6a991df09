"""What is wrong with a source of dialogues, in graded findings; each check is one file in `checks/`."""
