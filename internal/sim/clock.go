package sim

import "time"

// clock is only used to say how long a run took.
func clock() time.Time { return time.Now() }
