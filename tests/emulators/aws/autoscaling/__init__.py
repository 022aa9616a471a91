"""Auto Scaling groups, written anew on the wire of moto, whose groups are lists of instances that never change."""
