"""What nobody is told of for a while: kept, tried on the past, and told of before it ends."""
