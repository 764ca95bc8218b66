# A module with a path.
{ x = [ 1 ]; }
