#include "daemon/oauth/form.h"

#include <string.h>

#include "lib/base/guarded.h"
#include "lib/base/url.h"

#define FORM_LEAST ((size_t)512)

static bool
form_reserve(struct form *form, size_t more)
{
	size_t capacity = form->capacity > 0 ? form->capacity : FORM_LEAST;
	char *text;

	while (capacity < form->length + more + 1)
		capacity *= 2;
	if (capacity == form->capacity)
		return true;
	text = evpop_guarded_alloc(capacity);
	if (text == NULL) {
		form->has_failed = true;
		return false;
	}
	if (form->text != NULL)
		memcpy(text, form->text, form->length);
	evpop_guarded_free(form->text);
	form->text = text;
	form->capacity = capacity;
	return true;
}

static void
form_quote(struct form *form, const char *text)
{
	for (; *text != '\0'; text++)
		form->length +=
		    evpop_url_quote(*text, form->text + form->length);
}

void
form_add(struct form *form, const char *name, const char *value)
{
	if (value == NULL ||
	    !form_reserve(form, 3 * (strlen(name) + strlen(value)) + 2))
		return;
	if (form->length > 0)
		form->text[form->length++] = '&';
	form_quote(form, name);
	form->text[form->length++] = '=';
	form_quote(form, value);
	form->text[form->length] = '\0';
}

void
form_clear(struct form *form)
{
	evpop_guarded_free(form->text);
	*form = (struct form){ 0 };
}
