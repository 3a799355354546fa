// Registering an interpreter with binfmt_misc.
#ifndef BINFMT_H
#define BINFMT_H
#include "expect.h"

#define BINFMT "/proc/sys/fs/binfmt_misc"
static int binfmt_mounted;

UNUSED static void binfmt_remove(void) {
	int fd = open(format(BINFMT "/%s", case_token), O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (write(fd, "-1", 2) < 0) dprintf(2, "binfmt_misc: %s\n", strerror(errno));
		close(fd);
	}
	if (binfmt_mounted) umount2(BINFMT, MNT_DETACH);
}

// Files that begin with "MZ" and the token are run by interpreter.
UNUSED static void binfmt_add(const char *interpreter, const char *flags) {
	if (access(BINFMT "/register", W_OK) != 0) {
		if (mount("binfmt_misc", BINFMT, "binfmt_misc", 0, NULL) < 0) skip("binfmt_misc: %s", strerror(errno));
		binfmt_mounted = 1;
	}
	int fd = MUST(open(BINFMT "/register", O_WRONLY | O_CLOEXEC));
	if (dprintf(fd, ":%s:M::MZ%s::%s:%s", case_token, case_token, interpreter, flags) < 0)
		skip("binfmt_misc does not take the entry: %s", strerror(errno));
	close(fd);
}
#endif
