// Running programs, waiting for them, and mounts. For expect.h.
#ifndef PROCESS_H
#define PROCESS_H
static long long now(void) {
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

// A process that was started, and what came of its exec.
struct run {
	pid_t pid;
	pid_t forker;
	int err;            // errno of a failed exec, or 0
	int status;         // from waitpid, after finish
	long long from, to; // the exec was between these moments
	int inherits;       // its working directory is that of the case
};

// start forks; the child calls setup(arg), if there is one, and then execs. start
// returns when the exec has succeeded or failed.
UNUSED static struct run start_with(void (*setup)(void *), void *arg, const char *path, char *const argv[],
                                    char *const envp[]) {
	struct run r = {.forker = getpid(), .inherits = !setup};
	int told[2];
	MUST(pipe2(told, O_CLOEXEC));
	r.from = now();
	r.pid = MUST(fork());
	if (r.pid == 0) {
		close(told[0]);
		if (setup) setup(arg);
		execve(path, argv, envp);
		int err = errno;
		if (write(told[1], &err, sizeof err) < 0) _exit(98);
		_exit(0);
	}
	close(told[1]);
	// The exec closes the pipe; so does dying. The program need not run yet: Linux 6.12.117
	// closes it while /proc/PID/exe still leads to what the process ran before.
	if (read(told[0], &r.err, sizeof r.err) < 0) fail("pipe: %s", strerror(errno));
	close(told[0]);
	r.to = now();
	return r;
}

UNUSED static struct run start(const char *path, char *const argv[]) {
	return start_with(NULL, NULL, path, argv, environ);
}

UNUSED static void finish(struct run *r) {
	while (waitpid(r->pid, &r->status, 0) < 0)
		if (errno != EINTR) fail("waitpid %d: %s", r->pid, strerror(errno));
	// The pipe is closed when the old program is gone, which is before the kernel
	// is done with the exec. A process that has ended is past that for certain.
	r->to = now();
}

// run is start, then finish, of an exec that must succeed.
UNUSED static struct run run_with(void (*setup)(void *), void *arg, const char *path, char *const argv[],
                                  char *const envp[]) {
	struct run r = start_with(setup, arg, path, argv, envp);
	finish(&r);
	if (r.err) fail("exec %s: %s", path, strerror(r.err));
	return r;
}
UNUSED static struct run run(const char *path, char *const argv[]) {
	return run_with(NULL, NULL, path, argv, environ);
}

// A hold lets a program live until it is released: what starts with hold_setup
// has one end as its standard input, says there that it runs, and waits for the other
// end to be closed (see target.c).
static int hold[2] = {-1, -1};

UNUSED static void hold_make(void) { MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, hold)); }
UNUSED static void hold_setup(void *unused) {
	(void)unused;
	if (dup2(hold[0], 0) < 0) _exit(98);
}
// hold_wait waits until the program runs, so that its exec is over.
UNUSED static void hold_wait(void) {
	char c;
	close(hold[0]);
	hold[0] = -1;
	if (read(hold[1], &c, 1) != 1) fail("a program that was to wait has ended");
}
// start_held_with is start_with of a program that is held; setup gives it its end of the hold.
UNUSED static struct run start_held_with(void (*setup)(void *), void *arg, const char *path, char *const argv[]) {
	hold_make();
	struct run r = start_with(setup, arg, path, argv, environ);
	if (r.err) fail("exec %s: %s", path, strerror(r.err));
	hold_wait();
	return r;
}
UNUSED static struct run start_held(const char *path, char *const argv[]) {
	struct run r = start_held_with(hold_setup, NULL, path, argv);
	r.inherits = 1;
	return r;
}
UNUSED static void release(struct run *r) {
	close(hold[1]);
	finish(r);
}

// A watch tells when every process that was forked since has exec'd or ended.
UNUSED static void watch_begin(int watch[2]) { MUST(pipe2(watch, O_CLOEXEC)); }
UNUSED static void watch_wait(int watch[2]) {
	char c;
	close(watch[1]);
	if (read(watch[0], &c, 1) != 0) fail("somebody wrote to a watch");
	close(watch[0]);
}

// A door keeps processes waiting until it is opened.
struct door {
	int end[2];
};
UNUSED static struct door door_make(void) {
	struct door d;
	MUST(pipe2(d.end, O_CLOEXEC));
	return d;
}
UNUSED static void door_pass(struct door d) {
	char c;
	if (read(d.end[0], &c, 1) != 1) _exit(98);
}
UNUSED static void door_open(struct door d) {
	if (write(d.end[1], "", 1) != 1) _exit(98);
}

// shared is memory that the case's processes have in common, zero at first.
UNUSED static void *shared(size_t size) {
	return MUST(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

// wait_orphaned waits until this process's parent is dead and another its parent.
UNUSED static void wait_orphaned(pid_t parent) {
	while (getppid() == parent) usleep(100);
}

// child_of is the only child of a process that may be in another pid namespace,
// as this one sees it, or 0.
UNUSED static pid_t child_of(pid_t parent) {
	DIR *proc = opendir("/proc");
	struct dirent *e;
	pid_t found = 0;
	while (proc && !found && (e = readdir(proc))) {
		int pid, ppid;
		FILE *f = fopen(format("/proc/%s/stat", e->d_name), "re");
		if (!f) continue;
		// The name in brackets is this program's.
		if (fscanf(f, "%d %*[^)]) %*c %d", &pid, &ppid) == 2 && ppid == parent) found = pid;
		fclose(f);
	}
	if (proc) closedir(proc);
	return found;
}

// private_mounts gives the process mounts of its own.
UNUSED static void private_mounts(void) {
	MUST(unshare(CLONE_NEWNS));
	// Where the root is no mount point, which mounts are shared cannot be changed so.
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) skip("mounts of its own: %s", strerror(errno));
}

// mounted mounts a file system in the scratch directory, to be given to
// umount_all by the case's cleanup.
UNUSED static char *mounted(const char *name, const char *type, const char *source, unsigned long flags,
                            const char *options) {
	char *dir = here(name);
	if (mkdir(dir, 0755) < 0 && errno != EEXIST) fail("mkdir %s: %s", dir, strerror(errno));
	if (mount(source, dir, type, flags, options) < 0) skip("mount %s: %s", type ? type : source, strerror(errno));
	return dir;
}
UNUSED static void umount_all(void) {
	// The runner would too, and would say so.
	char line[PATH_MAX + 512], *found[64];
	int n = 0;
	FILE *f = fopen("/proc/self/mounts", "re");
	while (f && fgets(line, sizeof line, f)) {
		char *dir = strchr(line, ' ');
		if (!dir) continue;
		dir++;
		dir[strcspn(dir, " ")] = 0;
		if (!strncmp(dir, case_dir, strlen(case_dir)) && n < 64) found[n++] = strdup(dir);
	}
	if (f) fclose(f);
	while (n > 0) umount2(found[--n], MNT_DETACH);
}
#endif
