"""What the doors that people see share: the look, the script that signs, languages, headers, how a signed request is taken in.

What happens here: files served from memory, a request's form checked, a reply's language chosen. Who may come in: the portal and the desk.
What never happens here: a page of one door alone, a decision, a key.
"""
