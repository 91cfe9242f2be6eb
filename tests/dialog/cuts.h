/*
 * How what a server says is cut into pieces on its way, and which ways of
 * cutting a dialog is played in.
 */
#ifndef DIALOG_CUTS_H
#define DIALOG_CUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Octets from the start that are delivered one by one; what follows comes in
 * pieces of this many, so that long bodies do not take minutes.
 */
#define CUTS_SINGLY 3000
#define CUTS_PIECE  4099

struct cuts {
	bool singly;  /* octet by octet, else whole, but for these cuts: */
	size_t at[2]; /* offsets from the dialog's start, ascending; 0: none */
};

/* Octets of the next piece, where `left` of one turn of the server's are. */
size_t cuts_piece(const struct cuts *, size_t delivered, size_t left);

/*
 * All ways in which a dialog of so many octets, or of 0 that must not be cut,
 * is played: whole, octet by octet,
 * in two at each of at most `most` places, in three at `pairs` pairs of
 * places.  Where there are more places than that, half of them are the first
 * ones, a quarter the last, and the rest lie evenly in between.  For free().
 */
struct cuts *cuts_all(
    size_t octets, size_t most, size_t pairs, size_t *count_r);

/* "whole", "bytes", "cut:7", "cut:7,12". */
void cuts_name(const struct cuts *, char *text, size_t size);
bool cuts_by_name(const char *name, struct cuts *cuts_r);

#endif
