package linux

// passed says how many arguments an exec call was made with. What the image received
// has the interpreters and their arguments in front, and nothing in argv itself
// shows where they end. But before it looks at the file the kernel works out how far
// down the arguments may reach (fs/exec.c, bprm_stack_limits; since 6.11
// bprm_set_stack_limit):
//
//	argmin = top - min(max(limit / 4, ARG_MAX), 3/4 * 8 MiB) + 8 * (max(argc, 1) + envc)
//
// where top is one pointer below the highest end of a stack and limit that on the
// size of it. Nobody touches it afterwards. It says false where the number makes no sense.
func passed(r *monitorExecRecord) (argc int, ok bool) {
	const (
		pointer = 8
		least   = 128 << 10 // ARG_MAX
		most    = 6 << 20   // _STK_LIM / 4 * 3
	)
	room := max(min(r.StackLimit/4, most), least)
	// The stack ends where the address space of programs does, which is at a power of
	// two, and is larger than the room for arguments.
	for bits := 30; bits < 64; bits++ {
		top := uint64(1)<<bits - stackTopGap - pointer
		if r.ArgFloor >= top {
			continue
		}
		pointers := (r.ArgFloor + room - top) / pointer
		argc = int(pointers) - int(r.Envc)
		// argv can only have grown by interpreters, of which there are six at most.
		ok = (r.ArgFloor+room-top)%pointer == 0 && r.ArgFloor+room > top &&
			argc >= 1 && argc <= max(int(r.Argc), 1) && int(r.Argc)-argc <= 2*mostInterpreters
		return argc, ok
	}
	return 0, false
}

// mostInterpreters is how often the kernel goes on to another file (fs/exec.c, exec_binprm).
const mostInterpreters = 6
