"""Feedback that browsers send themselves, with a key that everyone can read in the page's source.

rows      the project's settings of this door, and the counters of its rate limit
origins   which pages may call across origins (CORS)
pace      how much one key and one address may send in a minute
links     signatures by which the application's backend vouches for a trace
door      all of it in order, for the one route it concerns
"""
