// A process in a container of its own making: its own mounts, its own process ids,
// and a root that was mounted a moment ago; the old root is gone from its view.
//
// Logged must be: the program inside, at its path inside, under the process id
// outside.
// Goes wrong where a path is followed from any root but the process's.
#include "lib/expect.h"

static char *root;

static void contain(void *unused) {
	(void)unused;
	private_mounts();
	MUST(mount("none", root, "tmpfs", 0, NULL));
	copy(tool("target"), format("%s/program", root), "inside", 0755);
	MUST(mkdir(format("%s/old", root), 0755));
	if (syscall(SYS_pivot_root, root, format("%s/old", root)) < 0) skip("pivot_root: %s", strerror(errno));
	MUST(chdir("/"));
	MUST(umount2("/old", MNT_DETACH));
}

int main(void) {
	begin(NULL);
	root = here("root");
	MUST(mkdir(root, 0755));
	char *twin = copy(tool("target"), here("twin"), "inside", 0755);
	struct door open = door_make();
	pid_t *inner = shared(sizeof *inner);
	char **argv = ARGV("/program", tok("a"));
	long long from = now();
	pid_t middle = MUST(fork());
	if (middle == 0) {
		MUST(unshare(CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC));
		pid_t pid = MUST(fork());
		if (pid == 0) {
			door_pass(open);
			contain(NULL);
			execv("/program", argv);
			fail("exec: %s", strerror(errno));
		}
		*inner = pid;
		door_open(open);
		int status;
		MUST(waitpid(pid, &status, 0));
		_exit(WEXITSTATUS(status));
	}
	int status;
	MUST(waitpid(middle, &status, 0));
	if (status) end();
	struct run r = ran(*inner, middle, from);
	expect("a", &r);
	native("a", "/program", hash(twin), argv);
	has("a", "cwd", "/");
	has("a", "filename", "/program");
	has("a", "pid.inner", "1");
	end();
}
