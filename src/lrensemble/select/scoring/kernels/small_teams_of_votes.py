"""The accuracy of every team of up to seven members that give whole votes, 64 rows to a word.

The votes for the label and those for a rival are numbers of three bits, one word for each bit: adding a member is half
an addition, and which of two numbers is larger is known from their words. Rows are arranged as in `small_teams`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrensemble.select.scoring.kernels.columns import Columns
from lrensemble.select.scoring.kernels.jit import compiled, compiled_parallel, span
from lrensemble.select.scoring.kernels.small_teams import TeamBatch, shares_of

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Words = NDArray[np.uint64]

LARGEST = 7
"""Votes are counted in three bits."""

SERIAL = 2**20
"""Below so many words, waking the other cores costs more than it saves."""

LANES = 8
"""Words that one instruction takes: rows are filled up to a multiple with some that are always won."""


class Votes(NamedTuple):
    """Contested rows of one weight, those with most columns first."""

    truth: Words
    """[member, word of rows] who votes for the label."""
    rival: Words
    """[member, word of columns] who votes for the rivals: first the first columns of all rows, then the second, …"""
    rival_first: Words
    """[word of columns] whether the rival is the lower class, which wins ties."""
    slots: Indices
    """[slot] words of the rows that have so many columns and more."""


def votes_of(columns: Columns, rows: Indices) -> Votes:
    """The votes in some of the contested rows, at least one, in columns that are all whole votes."""
    widths = np.diff(columns.first)
    rows = rows[np.argsort(-widths[rows], kind="stable")]
    chosen = [columns.first[rows[widths[rows] > slot]] + slot for slot in range(int(widths[rows[0]]))]
    rival = [_words(columns.rival[of_slot].T > 0) for of_slot in chosen]
    return Votes(
        _words(columns.truth[rows].T > 0),
        np.concatenate(rival, axis=1),
        np.concatenate([_words(columns.rival_first[of_slot][None])[0] for of_slot in chosen]),
        np.array([words.shape[1] for words in rival]),
    )


def _words(bits: NDArray[np.bool_]) -> Words:
    """[member, word] of bits [member, row]."""
    room = np.zeros((len(bits), -(-bits.shape[1] // (64 * LANES)) * 64 * LANES), dtype=bool)
    room[:, : bits.shape[1]] = bits
    return np.packbits(room, axis=1, bitorder="little").view(np.uint64)


def wrong_by_votes(votes: Votes, batch: TeamBatch) -> Indices:
    """[team] how many of the rows are wrong."""
    wrong = np.zeros(batch.first[-1], dtype=np.int64)
    if votes.rival_first.size * len(wrong) < SERIAL:
        _count_part(votes, batch.prefixes, batch.first, 0, len(batch.prefixes), wrong)
    else:
        _count(votes, batch.prefixes, batch.first, shares_of(batch), wrong)
    return wrong


@compiled_parallel
def _count(votes: Votes, prefixes: Indices, first: Indices, shares: Indices, wrong: Indices) -> None:
    """Fill `wrong` [team]."""
    for part in span(shares.size - 1):
        _count_part(votes, prefixes, first, shares[part], shares[part + 1], wrong)


@compiled
def _count_part(votes: Votes, prefixes: Indices, first: Indices, begin: int, end: int, wrong: Indices) -> None:
    """Fill `wrong` for the teams of the prefixes from `begin` to `end`."""
    members, depth = votes.truth.shape[0], prefixes.shape[1]
    for_truth = np.zeros((depth + 2, 3, votes.truth.shape[1]), dtype=np.uint64)
    for_rival = np.zeros((depth + 1, 3, votes.rival.shape[1]), dtype=np.uint64)
    lost, before = np.empty(votes.truth.shape[1], dtype=np.uint64), np.full(depth, -1)
    for prefix in range(begin, end):
        same = True
        for level in range(depth):
            member = prefixes[prefix, level]
            same = same and member == before[level]
            if not same:
                _add(for_truth[level], votes.truth[member], for_truth[level + 1])
                _add(for_rival[level], votes.rival[member], for_rival[level + 1])
                before[level] = member
        last = before[depth - 1] if depth else -1
        for member in range(last + 1, members):
            _add(for_truth[depth], votes.truth[member], for_truth[depth + 1])
            _mark_lost(for_truth[depth + 1], for_rival[depth], votes.rival[member], votes, lost)
            wrong[first[prefix] + member - last - 1] = _ones(lost)


@compiled
def _add(counts: Words, more: Words, sums: Words) -> None:
    """Fill `sums` [bit, word] with counts [bit, word] and one vote more where a bit of `more` [word] is set."""
    ones, twos, fours = counts[0], counts[1], counts[2]
    to_ones, to_twos, to_fours = sums[0], sums[1], sums[2]
    for word in range(more.size):
        carry = ones[word] & more[word]
        to_ones[word] = ones[word] ^ more[word]
        to_fours[word] = fours[word] | (twos[word] & carry)
        to_twos[word] = twos[word] ^ carry


@compiled
def _mark_lost(for_truth: Words, for_rival: Words, more: Words, votes: Votes, lost: Words) -> None:
    """Set the bits of the rows in which some rival has more votes than the label, or as many and is lower.

    Rivals have `more` [word of columns] beside the votes in `for_rival` [bit, word of columns].
    """
    truth_1, truth_2, truth_4 = for_truth[0], for_truth[1], for_truth[2]
    ones, twos, fours, rival_first = for_rival[0], for_rival[1], for_rival[2], votes.rival_first
    lost[:] = np.uint64(0)
    start = 0
    for slot in range(votes.slots.size):
        stop = start + votes.slots[slot]
        own_1, own_2, own_4 = ones[start:stop], twos[start:stop], fours[start:stop]
        added, first = more[start:stop], rival_first[start:stop]
        for word in range(stop - start):
            carry = own_1[word] & added[word]
            rival_1, rival_2 = own_1[word] ^ added[word], own_2[word] ^ carry
            rival_4 = own_4[word] | (own_2[word] & carry)
            ahead = (rival_1 & ~truth_1[word]) | (~(rival_1 ^ truth_1[word]) & first[word])
            ahead = (rival_2 & ~truth_2[word]) | (~(rival_2 ^ truth_2[word]) & ahead)
            lost[word] |= (rival_4 & ~truth_4[word]) | (~(rival_4 ^ truth_4[word]) & ahead)
        start = stop


@compiled
def _ones(words: Words) -> int:
    """How many bits are set, counted in parallel within each word (Warren 2012, sec. 5-1)."""
    total = 0
    for word in range(words.size):
        bits = words[word]
        bits = bits - ((bits >> np.uint64(1)) & np.uint64(0x5555555555555555))
        bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> np.uint64(2)) & np.uint64(0x3333333333333333))
        bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
        total += int((bits * np.uint64(0x0101010101010101)) >> np.uint64(56))
    return total
