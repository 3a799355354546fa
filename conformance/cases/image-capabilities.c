// A program with a file capability, executed by somebody who has none.
//
// Logged must be: the same ids as before, and the capability that was gained.
// Goes wrong where only a change of the user is looked for.
#include "lib/expect.h"

#include <linux/capability.h>
#include <sys/xattr.h>

static void become(void *unused) {
	(void)unused;
	MUST(setresgid(54321, 54321, 54321));
	MUST(setresuid(12345, 12345, 12345));
}

int main(int argc, char **argv) {
	(void)argv;
	begin(NULL);
	if (argc > 1) {
		struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
		struct __user_cap_data_struct d[2] = {0};
		MUST((int)syscall(SYS_capget, &h, d));
		return d[0].effective != 1 << CAP_NET_BIND_SERVICE;
	}
	char *program = again("program");
	struct vfs_cap_data cap = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
	                           .data = {{.permitted = 1 << CAP_NET_BIND_SERVICE}}};
	if (setxattr(program, "security.capability", &cap, sizeof cap, 0) < 0)
		skip("file capabilities: %s", strerror(errno));
	char **args = ARGV(program, tok("a"));
	struct run r = run_with(become, NULL, program, args, environ);
	if (r.status) skip("this file system gives no capabilities");
	expect("a", &r);
	native("a", program, hash(program), args);
	has("a", "before.euid", "12345");
	has("a", "after.euid", "12345");
	has("a", "after.ruid", "12345");
	has("a", "after.egid", "54321");
	has("a", "before.caps", "0");
	has("a", "after.caps", "400");
	end();
}
