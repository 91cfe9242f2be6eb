#include "lib/core/refusal.h"

void
evpop_refusal_judge(struct evpop_result *result, bool login)
{
	switch (result->code) {
	case EVPOP_CODE_LOGIN_DELAY:
	case EVPOP_CODE_IN_USE:
	case EVPOP_CODE_SYS_TEMP:
		result->scope = EVPOP_SCOPE_SESSION;
		result->retry = true;
		break;
	case EVPOP_CODE_SYS_PERM:
		result->scope = EVPOP_SCOPE_ACCOUNT;
		break;
	case EVPOP_CODE_AUTH:
		result->error = EVPOP_ERROR_AUTH;
		result->scope = EVPOP_SCOPE_ACCOUNT;
		break;
	default:
		if (login)
			result->error = EVPOP_ERROR_AUTH;
		result->scope =
		    login ? EVPOP_SCOPE_ACCOUNT : EVPOP_SCOPE_MESSAGE;
		break;
	}
}
