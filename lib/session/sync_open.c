#include <evpop/sync.h>

enum evpop_error
evpop_sync_open(struct evpop_sync *sync, const char *user, const char *password)
{
	return evpop_sync_start(sync,
	    &(struct evpop_credentials){ .user = user, .password = password });
}
