"""The JSON API: addresses, who may call, and the bodies that go in and out.

No rule about runs lives here. Submissions are judged by `resolve`, states change in the models: this translates.
"""
