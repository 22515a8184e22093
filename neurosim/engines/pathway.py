"""How spikes travel: the class that the generated program has for every Synapses object, in place of Brian2's.

Brian2's queue looks up each synapse's delay, divides to find its place and copies what arrives once more. Here the synapses
of a source are kept in runs of equal delay, so that a spike is one look-up per run; what arrives comes in the same order.
As many steps as the shortest delay has can be read before any of them is written.
"""

from __future__ import annotations

__all__ = ["PATHWAY_FILE", "PATHWAY_SOURCE"]

#: The generated header that this replaces.
PATHWAY_FILE = "synapses_classes.h"

PATHWAY_SOURCE = r"""
#ifndef _BRIAN_SYNAPSES_H
#define _BRIAN_SYNAPSES_H

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <ostream>
#include <vector>
#include "brianlib/spikequeue.h"

class SynapticPathway
{
    struct Run { int32_t delay, begin, end; };  // synapses[begin:end]
    struct Slot { std::vector<int> events; int n = 0; };  // events[:n]
    struct Nothing
    {
        friend std::ostream& operator<<(std::ostream& out, const Nothing&) { return out; }
    };
    static inline const Nothing nothing{};

    int first, last;             // sources
    int now = 0, n_slots = 1, ahead = 0;
    bool in_order = true;        // synapses are 0, 1, 2, ...: they need not be looked up
    std::vector<int> synapses;   // by source, then delay, then number
    std::vector<Run> runs;
    std::vector<int> first_run;  // of each source
    std::vector<Slot> slots;     // (now + delay) % n_slots
    std::vector<int> arrived;

    Slot& slot(int steps)
    {
        const int at = now + steps;
        return slots[at < n_slots ? at : at - n_slots];
    }

public:
    std::vector<int>& sources;
    std::vector<const Nothing*> queue{&nothing};  // Brian2 2.11 can write it to a file; we never do
    int shortest = INT32_MAX;    // delay, in steps
    SynapticPathway(std::vector<int>& sources, int first, int last)
        : first(first), last(last), slots(1), sources(sources) {}

    template <typename scalar>
    void prepare(int, int, scalar* delays, int n_delays, int* sources, int n_synapses, double dt)
    {
        std::vector<int> steps(n_synapses);
        for (int k = 0; k < n_synapses; k++) steps[k] = (int)(delays[n_delays == 1 ? 0 : k] / dt + 0.5);
        const int* const delay = steps.data();
        auto before = [=](int a, int b)
        {
            return sources[a] != sources[b] ? sources[a] < sources[b] : delay[a] < delay[b];
        };
        for (int k = 1; k < n_synapses && in_order; k++) in_order = !before(k, k - 1);
        if (!in_order)
        {
            synapses.resize(n_synapses);
            std::iota(synapses.begin(), synapses.end(), 0);
            std::stable_sort(synapses.begin(), synapses.end(), before);
        }
        first_run.reserve(last - first + 1);
        for (int place = 0; place < n_synapses; place++)
        {
            const int k = in_order ? place : synapses[place], source = sources[k] - first;
            const bool other = (int)first_run.size() <= source;
            while ((int)first_run.size() <= source) first_run.push_back(runs.size());
            if (other || runs.back().delay != delay[k]) runs.push_back(Run{delay[k], place, place});
            runs.back().end++;
            shortest = std::min(shortest, delay[k]);
            n_slots = std::max(n_slots, delay[k] + 1);
        }
        first_run.resize(last - first + 1, runs.size());
        slots.resize(n_slots);
    }

    // Make room for spikes of so many steps at once.
    void reserve_steps(int n_steps)
    {
        n_slots += n_steps;
        slots.resize(n_slots);
    }

    // What arrives `row` steps from now; a generated code object gets it from peek.
    bool anything_at(int row)
    {
        ahead = row;
        return slot(row).n > 0;
    }
    std::vector<int>* peek()
    {
        const Slot& arriving = slot(ahead);
        arrived.assign(arriving.events.data(), arriving.events.data() + arriving.n);
        return &arrived;
    }

    void push(const int* spikes, int n_spikes, int row)
    {
        for (int k = 0; k < n_spikes; k++)
        {
            if (spikes[k] < first || spikes[k] >= last) continue;
            const int source = spikes[k] - first;
            const Run* const end = runs.data() + first_run[source + 1];
            for (const Run* run = runs.data() + first_run[source]; run != end; ++run)
            {
                Slot& to_come = slot(row + run->delay);
                const int n = run->end - run->begin;
                if (to_come.n + n > (int)to_come.events.size()) to_come.events.resize(2 * (to_come.n + n) + 14);
                int* const to = to_come.events.data() + to_come.n;
                to_come.n += n;
                if (in_order)
                    for (int j = 0; j < n; j++) to[j] = run->begin + j;
                else
                    for (int j = 0; j < n; j++) to[j] = synapses[run->begin + j];
            }
        }
    }

    void advance(int n_steps)
    {
        for (int row = 0; row < n_steps; row++) slot(row).n = 0;
        now = (now + n_steps) % n_slots;
    }

    // As Brian2's own loop calls them: one step after the other.
    void advance() { advance(1); }
    void push(const int* spikes, int n_spikes) { push(spikes, n_spikes, 0); }
};

#endif
"""
