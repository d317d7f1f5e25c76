"""A chat page in the browser: one more chat beside Slack and Teams, for ``pullbot demo``.

Nobody signs in: whoever opens the page picks who to be. So it answers on loopback only, and only to
itself (``bot.chat.page.server`` says how).
"""
