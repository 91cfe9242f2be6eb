#include "daemon/confine/filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "daemon/confine/confine.h"

/* A number means another call on another processor. */
#if defined(__x86_64__) && defined(__LP64__)
#define PROCESSOR AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define PROCESSOR AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define PROCESSOR AUDIT_ARCH_RISCV64
#elif defined(__i386__)
#define PROCESSOR AUDIT_ARCH_I386
#elif defined(__arm__)
#define PROCESSOR AUDIT_ARCH_ARM
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define PROCESSOR AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define PROCESSOR AUDIT_ARCH_S390X
#endif

#ifdef PROCESSOR

#define LOAD(member) \
	BPF_STMT(    \
	    BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
#define ALLOW(number)                                            \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##number, 0, 1), \
	    RETURN(SECCOMP_RET_ALLOW)

/* The low half of the third argument: what memory is for. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define PROTECTION offsetof(struct seccomp_data, args[2])
#else
#define PROTECTION (offsetof(struct seccomp_data, args[2]) + 4)
#endif
#define ALLOW_DATA(number)                                         \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##number, 0, 4),   \
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, PROTECTION),        \
	    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1), \
	    RETURN(SECCOMP_RET_ERRNO | EPERM), RETURN(SECCOMP_RET_ALLOW)

static bool
filter_enter(void)
{
	struct sock_filter program[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROCESSOR, 1, 0),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
		ALLOW(read),
		ALLOW(write),
		ALLOW(recvfrom),
		ALLOW(sendto),
		ALLOW(futex),
		ALLOW(brk),
#ifdef SYS_mmap
		ALLOW_DATA(mmap),
		LOAD(nr),
#endif
#ifdef SYS_mmap2
		ALLOW_DATA(mmap2),
		LOAD(nr),
#endif
		ALLOW_DATA(mprotect),
		LOAD(nr),
		ALLOW(munmap),
		ALLOW(mremap),
		ALLOW(madvise),
#ifdef SYS_alarm
		ALLOW(alarm),
#endif
		ALLOW(setitimer),
		ALLOW(clock_gettime),
		ALLOW(rt_sigreturn),
		ALLOW(rt_sigprocmask),
		ALLOW(rt_sigaction),
		ALLOW(sigaltstack),
		ALLOW(restart_syscall),
		ALLOW(getpid),
		ALLOW(gettid),
		ALLOW(tgkill),
		ALLOW(exit),
		ALLOW(exit_group),
		RETURN(SECCOMP_RET_ERRNO | EPERM),
	};
	const struct sock_fprog filter = {
		.len = sizeof(program) / sizeof(program[0]),
		.filter = program,
	};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

#else

static bool
filter_enter(void)
{
	errno = ENOSYS;
	return false;
}

#endif

bool
confine_to_memory(void)
{
	struct confine *confine = confine_new();

	if (confine != NULL)
		(void)confine_enter(confine);
	confine_free(&confine);
	return filter_enter();
}
