"""What `init` writes and prints, made from what is known of the repository: texts in, texts out.

`existing` reads what the repository has, `choices` joins that with flags and answers, `files` are the texts to write,
`subjects` what GitHub puts into the tokens of these workflows, and `account` the commands that prepare AWS for them.
"""
