"""The one exception a user may see."""


class UserError(Exception):
    """A user's mistake or a missing thing: one line naming it and the remedy; the command line prints it without a
    traceback."""
