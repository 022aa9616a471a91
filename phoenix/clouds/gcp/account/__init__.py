"""The project itself: who phoenix is there, what it may do, what there is room for, whom its firewall lets in."""
