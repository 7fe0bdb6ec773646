"""Pictures of the product: each page in each of its states, light, dark and on a phone.

Here live the demo content (runs in every state, on the sample candles), the list of screens, and what drives Chromium.
Nothing of the product imports it.
"""
