"""How spikes travel: the class that the generated program calls for every Synapses object, in place of Brian2's.

Brian2's queue looks up each synapse's delay, divides to find its place and copies what arrives once more. Here the synapses
of a source are kept in runs of equal delay, so that a spike is one look-up per run; what arrives comes in the same order.
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
#include <ostream>
#include <vector>
#include "brianlib/spikequeue.h"

class SynapticPathway
{
    struct Run { int32_t delay, begin, end; };  // synapses[begin:end]
    struct Slot { std::vector<int> events; int n = 0; };
    struct Nothing
    {
        friend std::ostream& operator<<(std::ostream& out, const Nothing&) { return out; }
    };
    static inline const Nothing nothing{};

    int first, last;             // sources
    int now = 0, n_slots = 1;
    bool in_order = true;        // synapses are 0, 1, 2, ...: they need not be looked up
    std::vector<int> synapses;   // by source, then delay, then number
    std::vector<Run> runs;
    std::vector<int> first_run;  // of each source
    std::vector<Slot> slots;     // (now + delay) % n_slots
    std::vector<int> arrived;

public:
    std::vector<int>& sources;
    std::vector<const Nothing*> queue{&nothing};  // Brian2 2.11 can write it to a file; we never do
    SynapticPathway(std::vector<int>& sources, int first, int last)
        : first(first), last(last), slots(1), sources(sources) {}

    template <typename scalar>
    void prepare(int, int, scalar* delays, int n_delays, int* sources, int n_synapses, double dt)
    {
        auto delay = [&](int k) { return (int)(delays[n_delays == 1 ? 0 : k] / dt + 0.5); };
        std::vector<std::vector<int>> own(last - first);
        for (int k = 0; k < n_synapses; k++) own[sources[k] - first].push_back(k);
        for (auto& part : own)
        {
            auto sooner = [&](int a, int b) { return delay(a) < delay(b); };
            if (!std::is_sorted(part.begin(), part.end(), sooner)) std::stable_sort(part.begin(), part.end(), sooner);
            first_run.push_back(runs.size());
            for (std::size_t k = 0; k < part.size(); k++)
            {
                const int steps = delay(part[k]), place = synapses.size();
                if (k == 0 || runs.back().delay != steps) runs.push_back(Run{steps, place, place});
                runs.back().end++;
                in_order = in_order && part[k] == place;
                synapses.push_back(part[k]);
                n_slots = std::max(n_slots, steps + 1);
            }
        }
        first_run.push_back(runs.size());
        slots.resize(n_slots);
    }

    void advance()
    {
        slots[now].n = 0;
        if (++now == n_slots) now = 0;
    }

    void push(const int* spikes, int n_spikes)
    {
        const int* const all = synapses.data();
        Slot* const place = slots.data();
        for (int k = 0; k < n_spikes; k++)
        {
            if (spikes[k] < first || spikes[k] >= last) continue;
            const int source = spikes[k] - first;
            const Run* const end = runs.data() + first_run[source + 1];
            for (const Run* run = runs.data() + first_run[source]; run != end; ++run)
            {
                const int at = now + run->delay;
                Slot& slot = place[at < n_slots ? at : at - n_slots];
                const int n = run->end - run->begin;
                if (slot.n + n > (int)slot.events.size()) slot.events.resize(2 * (slot.n + n) + 14);
                int* const to = slot.events.data() + slot.n;
                if (in_order)
                    for (int j = 0; j < n; j++) to[j] = run->begin + j;
                else
                    for (int j = 0; j < n; j++) to[j] = all[run->begin + j];
                slot.n += n;
            }
        }
    }

    std::vector<int>* peek()
    {
        const int* const events = slots[now].events.data();
        arrived.assign(events, events + slots[now].n);
        return &arrived;
    }
};

#endif
"""
