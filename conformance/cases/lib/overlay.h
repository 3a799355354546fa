// Overlay file systems.
#ifndef OVERLAY_H
#define OVERLAY_H
#include "expect.h"

// overlay mounts one whose lower folder is "lower" in the scratch directory, and
// is the folder where both are seen as one.
UNUSED static char *overlay(void) {
	MUST(mkdir("upper", 0755));
	MUST(mkdir("work", 0755));
	return mounted("merged", "overlay", "overlay", 0,
	               format("lowerdir=%s,upperdir=%s,workdir=%s", here("lower"), here("upper"), here("work")));
}
#endif
