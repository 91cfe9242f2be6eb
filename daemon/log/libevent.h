/* What libevent has to say, as lines of our log. */
#ifndef LOG_LIBEVENT_H
#define LOG_LIBEVENT_H

/* From now on, for the whole process. */
void log_take_libevent(void);

#endif
