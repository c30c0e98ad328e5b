"""What tests share: a joch that really listens, upstreams that say exactly what a script says, and short ways to a snapshot.

Nothing here asserts; nothing here knows what a test wants to see.
"""
