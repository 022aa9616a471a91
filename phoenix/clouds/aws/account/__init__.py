"""The account itself: who phoenix is there, what it may do, what there is room for, which alarms ring."""
