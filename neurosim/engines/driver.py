"""The part of the compiled program that is ours: it loads a plan from standard input, steps the network and writes what
was recorded to standard output.

Brian2 generates one function per object and the order they run in (``Network::objects``). Our loop calls those of the
slow clock in that order. Between two slow steps it first gathers what arrives in all the steps to come, then steps the
cells block by block (:mod:`neurosim.engines.cell_kernel`), then sends off the spikes; no spike arrives sooner than the
shortest delay, so the numbers are those of one step after the other. It takes its length as data, keeps monitors asleep
while the network settles and does not ask the operating system for the time at every step. All names of Brian2's side are
compiled against, so a change of its layout stops the build instead of giving other numbers.

A process runs one plan and ends; or, told to stay, it runs each of several plans of one wiring in a copy of itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neurosim.engines.cell_kernel import CellKernel

__all__ = [
    "Arrival",
    "Binding",
    "Grown",
    "MAIN_AFTER_RUN",
    "MAIN_BEFORE_END",
    "MAIN_BEFORE_RUN",
    "driver_source",
]

#: Statements for the ``main`` that Brian2 generates.
MAIN_BEFORE_RUN = "void neurosim_load(); neurosim_load();"
MAIN_AFTER_RUN = "void neurosim_run(); neurosim_run();"
MAIN_BEFORE_END = "int neurosim_finish(); return neurosim_finish();"


@dataclass(frozen=True)
class Binding:
    """One array of the generated program: its name in a plan, its C++ name, its type, its length (0: grows)."""

    name: str
    symbol: str
    dtype: str
    n: int


@dataclass(frozen=True)
class Arrival:
    """What a Synapses object does with spikes: C++ names of its pathway and of the code objects that Brian2 generates."""

    pathway: str
    code: str
    push: str


@dataclass(frozen=True)
class Grown:
    """C++ names of the arrays that have an item for every synapse of a Synapses object, and of their number."""

    n: int
    symbol: str
    arrays: tuple[str, ...]


_SUPPORT = r"""
#include "objects.h"
#include "network.h"
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
@INCLUDES@

// Every array starts on a cache line, so vector loads never straddle two and results cannot depend on where memory lies.
static void* aligned(std::size_t n)
{
    void* p = nullptr;
    if (posix_memalign(&p, 64, n ? n : 1)) throw std::bad_alloc();
    return p;
}
void* operator new(std::size_t n) { return aligned(n); }
void* operator new[](std::size_t n) { return aligned(n); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

namespace {

const int exit_input = 3, exit_not_finite = 4, exit_output = 5, exit_orphan = 6;
int64_t settle_steps = 0, record_steps = 0, stay = 0;

void fail(int code, const std::string& message)
{
    std::fprintf(stderr, "%s\n", message.c_str());
    std::fflush(stderr);
    std::_Exit(code);
}

// A record is: length of name, name, size of one item, number of items, items.
void take(void* target, std::size_t size)
{
    if (size && std::fread(target, 1, size, stdin) != size) fail(exit_input, "the plan ends too early");
}

// A plan has megabytes: the fewer times the two processes wait for each other, the better.
void widen_pipes()
{
#ifdef F_SETPIPE_SZ
    for (int file : {STDIN_FILENO, STDOUT_FILENO}) fcntl(file, F_SETPIPE_SZ, 1 << 20);
#endif
}

struct Header { std::string name; uint32_t itemsize; uint64_t n; };

Header read_header()
{
    Header h;
    uint32_t length = 0;
    take(&length, sizeof length);
    if (length > 1000) fail(exit_input, "the plan is damaged");
    h.name.resize(length);
    take(&h.name[0], length);
    take(&h.itemsize, sizeof h.itemsize);
    take(&h.n, sizeof h.n);
    return h;
}

void read_record(const Header& h, void* target, uint32_t itemsize, uint64_t n)
{
    if (h.itemsize != itemsize || h.n != n)
        fail(exit_input, "the plan has " + std::to_string(h.n) + " items of " + std::to_string(h.itemsize) + " bytes for "
             + h.name + " where the program has " + std::to_string(n) + " of " + std::to_string(itemsize));
    take(target, itemsize * n);
}
template <class T> void read_into(const Header& h, T* target, uint64_t n)
{
    read_record(h, target, sizeof(T), n);
}
template <class T> void read_into(const Header& h, std::vector<T>& target, uint64_t)
{
    read_record(h, target.data(), sizeof(T), target.size());
}

// Results say first how long they are: what is given is counted, then given.
bool counting = false;
uint64_t counted = 0;

void give(const void* source, std::size_t size)
{
    if (counting) counted += size;
    else if (size && std::fwrite(source, 1, size, stdout) != size)
        fail(exit_output, std::string("cannot write the results: ") + std::strerror(errno));
}

void write_header(const char* name, uint32_t itemsize, uint64_t n)
{
    const uint32_t length = std::strlen(name);
    give(&length, sizeof length);
    give(name, length);
    give(&itemsize, sizeof itemsize);
    give(&n, sizeof n);
}
template <class T> void write_from(const char* name, const T* source, uint64_t n)
{
    write_header(name, sizeof(T), n);
    give(source, sizeof(T) * n);
}
template <class T> void write_from(const char* name, std::vector<T>& source, uint64_t)
{
    write_from(name, source.data(), source.size());
}
template <class T> void write_from(const char* name, DynamicArray2D<T>& source, uint64_t)
{
    write_header(name, sizeof(T), (uint64_t)source.n * source.m);
    for (int row = 0; row < source.n; row++) give(&source(row, 0), sizeof(T) * source.m);
}

bool is_finite(double x)
{
    uint64_t bits;
    std::memcpy(&bits, &x, 8);
    return ((bits >> 52) & 0x7FF) != 0x7FF;
}
template <class T> void require_finite(const char* name, const T* x, int n, double t)
{
    for (int k = 0; k < n; k++)
        if (!is_finite(x[k]))
            fail(exit_not_finite, std::string(name) + "[" + std::to_string(k) + "] is not finite after "
                 + std::to_string(t) + " s");
}

enum Kind { always, when_recording, when_sampling, when_stimulating };
struct Item { codeobj_func run; Kind kind; };

Kind kind_of(codeobj_func run)
{
    for (codeobj_func sampler : { @SAMPLERS@ }) if (run == sampler) return when_sampling;
    for (codeobj_func recorder : std::vector<codeobj_func>{ @RECORDERS@ }) if (run == recorder) return when_recording;
    for (codeobj_func stimulator : std::vector<codeobj_func>{ @STIMULATORS@ })
        if (run == stimulator) return when_stimulating;
    return always;
}

// Objects of the slow clock, in their order, without what step_cells does.
std::vector<Item> slow_items()
{
    std::vector<Item> items;
    for (auto& object : brian::@NETWORK@.objects)
    {
        const codeobj_func run = object.second;
        if (!run || object.first != &brian::@SLOW_CLOCK@) continue;
        bool replaced = false;
        for (codeobj_func code : { @REPLACED@ }) replaced = replaced || run == code;
        if (!replaced) items.push_back(Item{run, kind_of(run)});
    }
    return items;
}

struct Arrival { SynapticPathway* pathway; codeobj_func run; };

// Within a slot, and one slow step longer: that step puts the current back to zero.
bool stimulating(int64_t step, int64_t per_slow)
{
    using namespace brian;
    const int64_t slots[][2] = { @SLOTS@ {0, -per_slow} };
    for (auto& slot : slots)
        if (slot[0] <= step && step < slot[1] + per_slow) return true;
    return false;
}

}  // namespace

@CELL_KERNEL@

// Which synapses there are and when they transmit is laid out once.
static bool is_laid_out(const std::string& name)
{
    const std::string::size_type dot = name.rfind('.');
    if (dot == std::string::npos) return false;
    const std::string what = name.substr(dot);
    return what == ".pre" || what == ".post" || what == ".delay";
}

static void read_plan(bool again)
{
    using namespace brian;
    for (Header h = read_header(); h.name != "end"; h = read_header())
    {
        if (again && is_laid_out(h.name)) fail(exit_input, "the plan changes " + h.name + ", which is laid out already");
        else if (h.name == "settle_steps") read_into(h, &settle_steps, 1);
        else if (h.name == "record_steps") read_into(h, &record_steps, 1);
        else if (h.name == "stay") read_into(h, &stay, 1);
@READS@
        else fail(exit_input, "the plan has " + h.name + ", which the program does not know");
    }
}

void neurosim_load()
{
    using namespace brian;
    widen_pipes();
    @GROW@
    read_plan(false);
}

// Ends like a copy of this process that could not finish its phase.
static void fail_like(int status)
{
    if (!WIFSIGNALED(status)) std::_Exit(WEXITSTATUS(status));
    std::signal(WTERMSIG(status), SIG_DFL);
    std::raise(WTERMSIG(status));
    std::_Exit(exit_input);
}

// Waits for a copy; it holds the other end of ``life``. Should the owner go, so do both.
static void wait_for(pid_t copy, int life, pid_t owner)
{
    int status = 0;
    for (;;)
    {
        pollfd ends[] = { {life, POLLIN, 0}, {STDIN_FILENO, 0, 0} };
        if (poll(ends, 2, 100) > 0 && ends[0].revents) break;
        if (ends[1].revents || getppid() != owner)
        {
            kill(copy, SIGKILL);
            std::_Exit(exit_orphan);
        }
    }
    waitpid(copy, &status, 0);
    if (status) fail_like(status);
}

// Where more phases are to come, this process stays as it is and each of them runs in a copy, which has to load only what
// has changed since the first. Returns in the copy; each further one begins with a byte.
static void make_copies()
{
    const pid_t owner = getppid();
    for (bool first = true;; first = false)
    {
        char next;
        int life[2];
        if (!first && read(STDIN_FILENO, &next, 1) != 1) std::_Exit(0);
        const pid_t copy = pipe(life) ? -1 : fork();
        if (copy < 0) fail(exit_input, std::string("a phase cannot be started: ") + std::strerror(errno));
        if (copy == 0)
        {
            close(life[0]);
            if (!first) read_plan(true);
            return;
        }
        close(life[1]);
        wait_for(copy, life[0], owner);
        close(life[0]);
    }
}

static void set_clock(int64_t step)
{
    brian::@FAST_CLOCK@.timestep[0] = step;
    brian::@FAST_CLOCK@.t[0] = step * brian::@FAST_CLOCK@.dt[0];
}

// Which synapses a spike reaches after a delay, and those it reaches at once.
static std::vector<Arrival> delayed_arrivals()
{
    using namespace brian;
    return { @DELAYED@ };
}
static std::vector<Arrival> arrivals_at_once()
{
    using namespace brian;
    return { @AT_ONCE_ARRIVALS@ };
}

// All that arrives in the coming steps was sent before them.
static void receive(const std::vector<Arrival>& arrivals, int64_t step, int n_steps)
{
    for (const Arrival& arrival : arrivals)
        for (int row = 0; row < n_steps; row++)
            if (arrival.pathway->anything_at(row))
            {
                set_clock(step + row);
                receive_at(row);
                arrival.run();
            }
    receive_no_more();
}

static void send(const std::vector<Arrival>& arrivals, int n_steps)
{
    for (const Arrival& arrival : arrivals)
        for (int row = 0; row < n_steps; row++) arrival.pathway->push(fired[row].data(), fired[row].size(), row);
}

static void record_spikes(int64_t step, int n_steps)
{
    using namespace brian;
    for (int row = 0; row < n_steps; row++)
        if (!fired[row].empty())
        {
            set_clock(step + row);
            std::copy(fired[row].begin(), fired[row].end(), @SPIKESPACE@);
            @SPIKESPACE@[n_cells] = fired[row].size();
            _run_@SPIKE_MONITOR@();
        }
}

static double neurosim_loop_time = 0;  // s

void neurosim_run()
{
    using namespace brian;
    if (stay) make_copies();
    const int64_t per_slow = @PER_SLOW@, per_sample = @PER_SAMPLE@, per_check = 100 * per_slow;
    const int64_t total = settle_steps + record_steps;
    const std::vector<Item> items = slow_items();
    const std::vector<Arrival> delayed = delayed_arrivals(), at_once = arrivals_at_once();
    int longest = per_slow;  // as many steps as can be done before a spike of theirs arrives
    for (const Arrival& arrival : delayed)
    {
        longest = std::min(longest, arrival.pathway->shortest);
        if (longest < 1) fail(exit_input, "a synapse has no delay; allowed: at least one step");
        arrival.pathway->reserve_steps(per_slow);
    }
    for (const Arrival& arrival : at_once) arrival.pathway->reserve_steps(per_slow);
    begin_to_receive();
    const pid_t parent = getppid();
    const auto began = std::chrono::steady_clock::now();
    auto reported = began;
    for (int64_t step = 0, n_steps; step < total; step += n_steps)
    {
        const bool recording = step >= settle_steps, slow = step % per_slow == 0;
        n_steps = std::min<int64_t>(longest, per_slow - step % per_slow);
        set_clock(step);
        if (slow)
        {
            if (step % per_check == 0)
            {
                @CHECKS@
                if (getppid() != parent) fail(exit_orphan, "the process that started this run is gone");
                const auto now = std::chrono::steady_clock::now();
                if (now - reported > std::chrono::milliseconds(100))
                {
                    reported = now;
                    std::fprintf(stderr, "@P %.6f\n", (double)step / total);
                }
            }
            const bool sampling = recording && (step - settle_steps) % per_sample == 0;
            const bool stimulated = stimulating(step, per_slow);
            for (const Item& item : items)
                if (item.kind == always || (item.kind == when_recording && recording)
                    || (item.kind == when_sampling && sampling) || (item.kind == when_stimulating && stimulated))
                    item.run();
            @SLOW_CLOCK@.tick();
        }
        receive(delayed, step, n_steps);
        step_cells(step, n_steps, slow);
        if (recording) record_spikes(step, n_steps);
        send(delayed, n_steps);
        send(at_once, n_steps);
        receive(at_once, step, n_steps);
        for (const Arrival& arrival : delayed) arrival.pathway->advance(n_steps);
        for (const Arrival& arrival : at_once) arrival.pathway->advance(n_steps);
    }
    neurosim_loop_time = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    const int64_t step = total;
    @CHECKS@
}

static void write_results()
{
    using namespace brian;
@WRITES@
    write_from("loop_time", &neurosim_loop_time, 1);
    write_header("end", 1, 0);
}

int neurosim_finish()
{
    counting = true;
    write_results();
    counting = false;
    give(&counted, sizeof counted);
    write_results();
    if (std::fflush(stdout)) fail(exit_output, std::string("cannot write the results: ") + std::strerror(errno));
    if (stay) std::_Exit(0);
    return 0;
}
"""


def driver_source(
    *,
    grown: Sequence[Grown],
    inputs: Sequence[Binding],
    outputs: Sequence[Binding],
    finite: Sequence[Binding],
    kernel: CellKernel,
    samplers: Sequence[str],
    recorders: Sequence[str],
    stimulators: Sequence[str],
    spike_monitor: str,
    spikespace: str,
    delayed: Sequence[Arrival],
    at_once: Sequence[Arrival],
    slots: Sequence[tuple[str, str]],
    network: str,
    clocks: tuple[str, str],
    per_slow: int,
    per_sample: int,
) -> str:
    """C++ source of the driver.

    Parameters
    ----------
    grown : sequence of Grown
        Arrays that get their length when the program starts.
    inputs, outputs : sequences of Binding
        What can be read before a run, and what is written after it, in this order.
    finite : sequence of Binding
        Arrays that are looked at for NaN and infinity every 100 ms of the model.
    kernel : CellKernel
    samplers, recorders : sequences of str
        Code objects that run at every sample, and at every slow step, of the recording only.
    stimulators : sequence of str
        Code objects that run only where a stimulus slot is on.
    spike_monitor, spikespace : str
        Code object that records spikes, and C++ name of the array in which it looks for them.
    delayed, at_once : sequences of Arrival
        Synapses between cells, and those that a spike reaches in its own step.
    slots : sequence of (on, off)
        C++ names of the beginning and end of each slot.
    network : str
        C++ name of the network.
    clocks : (fast, slow)
    per_slow, per_sample : int
        Fast steps in a slow step and between samples.
    """
    codes = [*samplers, *recorders, *stimulators, spike_monitor, *kernel.replaces]
    codes += [arrival.code for arrival in (*delayed, *at_once)]

    def functions(names: Sequence[str]) -> str:
        return ", ".join(f"_run_{name}" for name in names)

    def arrivals(them: Sequence[Arrival]) -> str:
        return ", ".join(f"{{&{a.pathway}, _run_{a.code}}}" for a in them)

    replaced = {
        "INCLUDES": "\n".join(f'#include "code_objects/{code}.h"' for code in codes),
        "SAMPLERS": functions(samplers),
        "RECORDERS": functions(recorders),
        "STIMULATORS": functions(stimulators),
        "REPLACED": functions(kernel.replaces),
        "SPIKE_MONITOR": spike_monitor,
        "SPIKESPACE": spikespace,
        "DELAYED": arrivals(delayed),
        "AT_ONCE_ARRIVALS": arrivals(at_once),
        "GROW": "\n    ".join(
            f"{group.symbol}[0] = {group.n}; " + " ".join(f"{array}.resize({group.n});" for array in group.arrays)
            for group in grown
        ),
        "SLOTS": "".join(f"{{{on}[0], {off}[0]}}, " for on, off in slots),
        "READS": "\n".join(
            f'        else if (h.name == "{b.name}") read_into(h, {b.symbol}, {b.n});' for b in inputs
        ),
        "WRITES": "\n".join(f'    write_from("{b.name}", {b.symbol}, {b.n});' for b in outputs),
        "CHECKS": "\n            ".join(
            f'require_finite("{b.name}", {b.symbol}, {b.n}, step * {clocks[0]}.dt[0]);' for b in finite
        ),
        "PER_SLOW": str(per_slow),
        "PER_SAMPLE": str(per_sample),
        "NETWORK": network,
        "FAST_CLOCK": clocks[0],
        "SLOW_CLOCK": clocks[1],
        "CELL_KERNEL": kernel.source,
    }
    source = _SUPPORT
    for key, text in replaced.items():
        source = source.replace(f"@{key}@", text)
    return source
