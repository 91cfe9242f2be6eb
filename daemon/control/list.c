#include "daemon/control/list.h"

#include "daemon/control/exchange.h"
#include "daemon/control/page.h"
#include "daemon/poll/poller.h"

bool
list_page(struct exchange *exchange, unsigned *limit_r, int64_t *below_id_r)
{
	const struct parameters *parameters = exchange_parameters(exchange);
	struct problem problem;

	if (page_limit(parameters, limit_r, &problem) &&
	    page_below(parameters, below_id_r, &problem))
		return true;
	exchange_answer(exchange, answer_problem(&problem));
	return false;
}

bool
list_resume(struct exchange *exchange, enum store_status status, size_t count)
{
	const char *account;
	struct poller_account_status known;

	if (!exchange_resume(exchange))
		return false;
	if (status != STORE_OK) {
		exchange_answer(exchange, answer_store(status, NULL));
		return false;
	}
	account = parameters_text(exchange_parameters(exchange), "account");
	if (count > 0 || account == NULL ||
	    poller_account_status(
		exchange_context(exchange)->poller, account, &known))
		return true;
	exchange_answer(exchange, answer_no_account(account));
	return false;
}
