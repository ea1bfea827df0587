"""One module for each component: from what is known to the parts that it is judged by."""
