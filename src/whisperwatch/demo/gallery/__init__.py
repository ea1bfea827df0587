"""Pictures of what admins are answered, as Discord shows it on a phone: how `docs/gallery.md` is made.

Discord's own app can't be pointed at a loopback Discord, so what it draws of a message is drawn here, and photographed
by a headless Chromium.
"""
