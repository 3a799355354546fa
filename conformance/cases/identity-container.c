// A process in a control group as container engines make them.
//
// Logged must be: the container's id and the control group.
// Goes wrong where the control group is read from /proc after the process is gone.
#include "lib/expect.h"

static char *root, *group;
static int mounted_here;

static void remove_group(void) {
	// Empty once its last process has been waited for.
	if (group) rmdir(group);
	if (mounted_here) umount_all();
}

static void enter(void *unused) {
	(void)unused;
	int fd = MUST(open(format("%s/cgroup.procs", group), O_WRONLY | O_CLOEXEC));
	if (write(fd, "0", 1) != 1) fail("cgroup.procs: %s", strerror(errno));
	close(fd);
}

// find is where the unified hierarchy is mounted.
static char *find(void) {
	char line[PATH_MAX + 512];
	FILE *f = fopen("/proc/self/mounts", "re");
	while (f && fgets(line, sizeof line, f)) {
		strtok(line, " ");
		char *dir = strtok(NULL, " "), *type = strtok(NULL, " ");
		if (type && !strcmp(type, "cgroup2")) {
			fclose(f);
			return strdup(dir);
		}
	}
	if (f) fclose(f);
	mounted_here = 1;
	return mounted("cgroup", "cgroup2", "none", 0, NULL);
}

int main(void) {
	begin(remove_group);
	root = find();
	char id[65];
	for (int i = 0; i < 64; i++) id[i] = "0123456789abcdef"[(case_token[i % strlen(case_token)] * 7 + i) % 16];
	id[64] = 0;
	char *name = format("docker-%s.scope", id), *made = format("%s/%s", root, name);
	if (mkdir(made, 0755) < 0) skip("control groups: %s", strerror(errno));
	group = made;
	char *program = target("program");
	char **argv = ARGV(program, tok("a"));
	struct run r = run_with(enter, NULL, program, argv, environ);
	expect("a", &r);
	native("a", program, hash(program), argv);
	has("a", "container.id", id);
	has("a", "cgroup", format("/%s", name));
	end();
}
