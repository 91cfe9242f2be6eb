#include "faults.h"

#include <event2/buffer.h>

/* SplitMix64: any seed is good, and it is short. */
static uint64_t
next_number(struct faults *faults)
{
	uint64_t mixed = faults->state += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ (mixed >> 31);
}

static bool
happens(struct faults *faults, unsigned percent)
{
	return percent > 0 && next_number(faults) % 100 < percent;
}

bool
faults_cut_body(struct faults *faults, uint64_t octets, uint64_t *after_r)
{
	if (faults->stalls) {
		*after_r = faults->stall_after;
		return faults->stall_after < octets;
	}
	if (!happens(faults, faults->cut_bodies))
		return false;
	*after_r = next_number(faults) % octets;
	return true;
}

bool
faults_empty_body(struct faults *faults, struct evbuffer *out)
{
	if (!happens(faults, faults->empty_bodies))
		return false;
	faults->emptied++;
	evbuffer_add_printf(out, "+OK 0 octets\r\n.\r\n");
	return true;
}

bool
faults_drop_quit(struct faults *faults)
{
	return happens(faults, faults->drop_quits);
}
