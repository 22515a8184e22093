// The model of neurosim.build.plan as one loop, written by hand for one thread: the floor under the time of a run.
//
// Every step goes over all cells once: derivatives, Euler's sum and the threshold in one vectorised pass, then what
// arrives at the synapses. Every millisecond the slow loop. `network.h`, written by floor.py, says which parts there are.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "functions.h"
#include "network.h"

#ifdef __clang__
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace {

using std::size_t;
using std::string;
using std::vector;

[[noreturn]] void fail(const string& message)
{
    std::fprintf(stderr, "%s\n", message.c_str());
    std::exit(1);
}

// Arrays from standard input, each a length and a name, the size of an item, the number of items, the items. They are read
// as they are asked for, so that only what comes out of order is kept.
class Records
{
    struct Record { uint32_t itemsize; vector<char> bytes; };
    std::map<string, Record> kept;

    static void take(void* target, size_t size)
    {
        if (size && std::fread(target, 1, size, stdin) != size) fail("the plan ends too early");
    }

    static std::pair<string, Record> next()
    {
        uint32_t length;
        uint64_t n;
        Record record;
        take(&length, sizeof length);
        string name(length, ' ');
        take(&name[0], length);
        take(&record.itemsize, sizeof record.itemsize);
        take(&n, sizeof n);
        record.bytes.resize(record.itemsize * n);
        take(record.bytes.data(), record.bytes.size());
        return {name, std::move(record)};
    }

    Record find(const string& name)
    {
        for (auto found = kept.find(name);; found = kept.find(name))
        {
            if (found != kept.end())
            {
                Record record = std::move(found->second);
                kept.erase(found);
                return record;
            }
            auto [other, record] = next();
            if (other == "end") fail("the plan lacks " + name);
            kept.emplace(other, std::move(record));
        }
    }

    template <class Target, class Item> static vector<Target> converted(const Record& record)
    {
        vector<Target> values(record.bytes.size() / sizeof(Item));
        for (size_t k = 0; k < values.size(); k++)
        {
            Item item;
            std::memcpy(&item, record.bytes.data() + k * sizeof(Item), sizeof(Item));
            values[k] = Target(item);
        }
        return values;
    }

public:
    vector<double> numbers(const string& name) { return converted<double, double>(find(name)); }
    vector<int64_t> integers(const string& name)
    {
        const Record record = find(name);
        return record.itemsize == 4 ? converted<int64_t, int32_t>(record) : converted<int64_t, int64_t>(record);
    }
    double number(const string& name) { return numbers(name).at(0); }
    int64_t integer(const string& name) { return integers(name).at(0); }
} plan;

void write(const char* name, const void* items, uint32_t itemsize, uint64_t n)
{
    const uint32_t length = std::strlen(name);
    std::fwrite(&length, sizeof length, 1, stdout);
    std::fwrite(name, 1, length, stdout);
    std::fwrite(&itemsize, sizeof itemsize, 1, stdout);
    std::fwrite(&n, sizeof n, 1, stdout);
    std::fwrite(items, itemsize, n, stdout);
}
template <class T> void write(const char* name, const vector<T>& items)
{
    write(name, items.data(), sizeof(T), items.size());
}

// Cells that follow each other in one population. Each segment begins at a whole vector and is filled up to one with idle
// places: cell k is at place k + shift.
struct Segment { int population, first, last, shift; };

struct Places
{
    static constexpr int lanes = 64 / sizeof(real);
    vector<Segment> segments;
    vector<int32_t> of_cell, population;
    int n = 0;

    explicit Places(const vector<int64_t>& populations)
    {
        for (int cell = 0; cell < n_cells; cell++)
        {
            if (cell == 0 || populations[cell] != populations[cell - 1])
            {
                n = (n + lanes - 1) / lanes * lanes;
                segments.push_back({int(populations[cell]), n, n, n - cell});
            }
            of_cell.push_back(n++);
            segments.back().last = (n + lanes - 1) / lanes * lanes;
        }
        n = segments.back().last;
        for (const Segment& s : segments) population.resize(s.last, s.population);
    }
};
const Places places(plan.integers("cells.cell_class"));

// One value for each place, zero to begin with. Lengths that are multiples of a page would put equal places of all columns
// into the same set of the cache; the extra lines spread them.
template <class T> T* new_column()
{
    static int n_columns = 0;
    const size_t lines = (places.n * sizeof(T) + 63) / 64 + 8, shift = n_columns++ % 8;
    char* const memory = static_cast<char*>(std::aligned_alloc(64, lines * 64));
    std::memset(memory, 0, lines * 64);
    return reinterpret_cast<T*>(memory + 64 * shift);
}

// Idle places have the values of the first cell of their segment.
real* new_column(const vector<double>& values)
{
    real* const column = new_column<real>();
    for (const Segment& s : places.segments)
        std::fill(column + s.first, column + s.last, real(values.at(s.first - s.shift)));
    for (int cell = 0; cell < n_cells; cell++) column[places.of_cell[cell]] = real(values.at(cell));
    return column;
}

vector<double> change_all(vector<double> values, double (*change)(double))
{
    for (double& value : values) value = change(value);
    return values;
}

struct Same
{
    real value;
    real operator[](int) const { return value; }
};

// A parameter of the cells. Where all cells of a population have the same, its loops need but one number.
template <bool shared> class Parameter
{
    const real* column;

public:
    Parameter(const string& name, double (*change)(double))
        : column(new_column(change_all(plan.numbers(name), change)))
    {
        if (!shared) return;
        for (const Segment& s : places.segments)
            for (int k = s.first; k < s.last; k++)
                if (column[k] != column[s.first])
                    fail(name + " is not the same in all cells of a population, as the program was told");
    }
    real operator[](int k) const { return column[k]; }
    auto from(int first) const
    {
        if constexpr (shared) return Same{column[first]};
        else return column;
    }
};

constexpr double log2_e = 1.44269504088896340736;

// 2**y by a polynomial on [-1/2, 1/2], without a branch, added up in pairs so that its terms need not wait for each other.
// Adding `round` leaves the nearest whole number in the last bits; a compiler that may reorder sums would take it away
// again, so floor.py forbids it that.
inline double power_of_2(double y)
{
    const double round = 6755399441055744.0, shifted = y + round, f = y - (shifted - round);
    int64_t n;
    __builtin_memcpy(&n, &shifted, 8);
    const double q = f * f;
    const double p_1 = 0.69314718055855055748 * f + 1.0, p_3 = 5.5504108739711916047e-2 * f + 0.24022650695813709767,
        p_5 = 1.3333547331502898123e-3 * f + 9.618129159171819038e-3,
        p_7 = 1.5258493043374334102e-5 * f + 1.5403456036911953442e-4,
        p_9 = 9.1681230009722478566e-8 * f + 1.3255182740764667638e-6;
    double p = ((p_9 * q + p_7) * q + p_5) * (q * q) + (p_3 * q + p_1);
    int64_t bits;
    __builtin_memcpy(&bits, &p, 8);
    bits += int64_t(uint64_t(n) << 52);
    __builtin_memcpy(&p, &bits, 8);
    return p;
}
inline float power_of_2(float y)
{
    const float round = 12582912.0f, shifted = y + round, f = y - (shifted - round);
    int32_t n;
    __builtin_memcpy(&n, &shifted, 4);
    const float q = f * f;
    const float p_1 = 6.931472057372638e-1f * f + 1.0f, p_3 = 5.5503287769704306e-2f * f + 2.4022646890629765e-1f,
        p_5 = 1.3399931217853434e-3f * f + 9.618488957570746e-3f;
    float p = ((1.5345811889853683e-4f * q + p_5) * q + p_3) * q + p_1;
    int32_t bits;
    __builtin_memcpy(&bits, &p, 4);
    bits += int32_t(uint32_t(n) << 23);
    __builtin_memcpy(&p, &bits, 4);
    return p;
}
// Gaussian number of 64 random bits, as `gauss` of functions.h makes it. Halves of 64 bits keep the loop at one width.
inline double gauss_of(uint64_t random, double)
{
    const double u = double(int64_t(random) >> 32) * 0x1p-32 + (0.5 + 0x1p-33);
    const double w = double(int64_t(random << 32) >> 32) * 0x1p-32 + 0x1p-33;
    uint64_t b;
    __builtin_memcpy(&b, &u, 8);
    const uint64_t one = 0x3FF0000000000000ULL, exponent = (b - 0x3FE6A09E667F3BCDULL + one) >> 52;
    b = b - (exponent << 52) + one;
    double m;
    __builtin_memcpy(&m, &b, 8);
    const double s = (m - 1) / (m + 1), q = s * s, q2 = q * q;
    const double artanh = ((1.0 / 15 * q + 1.0 / 13) * q2 + (1.0 / 11 * q + 1.0 / 9)) * (q2 * q2)
        + ((1.0 / 7 * q + 1.0 / 5) * q2 + (1.0 / 3 * q + 1.0));
    const double log_u = double(int64_t(exponent) - 1023) * 0.69314718055994530942 + 2 * s * artanh;
    const double x = 6.28318530717958647693 * (0.25 - std::fabs(w)), r = x * x, r2 = r * r;
    const double sine = (1.0 / 355687428096000.0 * r2 * r2 + (-1.0 / 1307674368000.0 * r + 1.0 / 6227020800.0) * r2
        + (-1.0 / 39916800.0 * r + 1.0 / 362880.0)) * (r2 * r2)
        + ((-1.0 / 5040.0 * r + 1.0 / 120.0) * r2 + (-1.0 / 6.0 * r + 1.0));
    return std::sqrt(-2 * log_u) * x * sine;
}

inline float gauss_of(uint64_t random, float)
{
    const float u = float(int32_t(random >> 32)) * 0x1p-32f + (0.5f + 0x1p-33f);
    const float w = float(int32_t(random)) * 0x1p-32f + 0x1p-33f;
    uint32_t b;
    __builtin_memcpy(&b, &u, 4);
    const uint32_t one = 0x3F800000U, exponent = (b - 0x3F3504F3U + one) >> 23;
    b = b - (exponent << 23) + one;
    float m;
    __builtin_memcpy(&m, &b, 4);
    const float s = (m - 1) / (m + 1), q = s * s, q2 = q * q;
    const float artanh = (1.0f / 9 * q2 + (1.0f / 7 * q + 1.0f / 5)) * q2 + (1.0f / 3 * q + 1.0f);
    const float log_u = float(int32_t(exponent) - 127) * 0.693147180f + 2 * s * artanh;
    const float x = 6.283185307f * (0.25f - std::fabs(w)), r = x * x, r2 = r * r;
    const float sine = ((-1.0f / 39916800 * r + 1.0f / 362880) * r2 + (-1.0f / 5040 * r + 1.0f / 120)) * r2
        + (-1.0f / 6 * r + 1.0f);
    return std::sqrt(-2 * log_u) * x * sine;
}

inline double kept_in_range(double y) { return y < -1021.0 ? -1021.0 : y > 1022.0 ? 1022.0 : y; }
inline float kept_in_range(float y) { return y < -125.0f ? -125.0f : y > 126.0f ? 126.0f : y; }

// Of the width of `real`, so that one mask serves both.
using Step = std::conditional_t<sizeof(real) == 8, int64_t, int32_t>;

// --- transmitters, receptors and gates: every slow step ---------------------------------------------------------------

constexpr int n_carriers = 3;
const char* const carriers[n_carriers] = {"DAT", "SERT", "NET"};

double positive(double x) { return x > 0 ? x : 0; }
double within(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

struct Terminals
{
    const vector<double> quantum = plan.numbers("terminals.quantum"), n_healthy = plan.numbers("terminals.n_healthy"),
        U = plan.numbers("terminals.U"), tau_rec = plan.numbers("terminals.tau_rec"),
        nu_relax = plan.numbers("terminals.nu_relax"), speed_settle = plan.numbers("terminals.speed_settle"),
        Q_0 = plan.numbers("terminals.Q_0"), filling_max = plan.numbers("terminals.filling_max"),
        k_v = plan.numbers("terminals.k_v"), k_m = plan.numbers("terminals.k_m"), leak = plan.numbers("terminals.leak"),
        J_syn = plan.numbers("terminals.J_syn"), efflux_max = plan.numbers("terminals.efflux_max"),
        K_S = plan.numbers("terminals.K_S"), seep = plan.numbers("terminals.seep"), living = plan.numbers("terminals.living"),
        per_living = plan.numbers("terminals.per_living");
    vector<double> S = plan.numbers("terminals.S"), Q = plan.numbers("terminals.Q"), D = plan.numbers("terminals.D"),
        gain = plan.numbers("terminals.gain");
    vector<double> count, nu, J, efflux, taken;

    Terminals() : count(S.size()), nu(S.size()), J(S.size()), efflux(S.size()), taken(S.size()) {}

    void step(double h, bool settling)
    {
        for (size_t k = 0; k < S.size(); k++)
        {
            const double speed = settling ? speed_settle[k] : 1, spikes = count[k] / n_healthy[k], full = Q[k] / Q_0[k];
            const double rate = positive(gain[k]) * D[k] * within(full, 0, filling_max[k]) * spikes / h;
            J[k] = quantum[k] * rate;
            const double out = efflux_max[k] * S[k] / (S[k] + K_S[k]) + seep[k] * S[k];
            efflux[k] = living[k] * out;
            const double packed = k_v[k] * S[k] * within(10 * (filling_max[k] - full), 0, 1) - leak[k] * Q[k];
            S[k] = positive(S[k] + h * (J_syn[k] + taken[k] - packed - k_m[k] * S[k] - out));
            Q[k] = positive(Q[k] + h * (packed - J[k] * per_living[k]));
            nu[k] += (rate - nu[k]) * nu_relax[k];
            D[k] = within(D[k] + speed * (h * (1 - D[k]) / tau_rec[k] - U[k] * D[k] * spikes), 0, 1);
            count[k] = 0;
            gain[k] = 1;
        }
    }
};

struct Cross { int pool, partner; double k[n_carriers]; };

struct Pools
{
    vector<double> c = plan.numbers("pools.c");
    const vector<double> k_out = plan.numbers("pools.k_out"), speed_settle = plan.numbers("pools.speed_settle");
    vector<double> V[n_carriers], K[n_carriers], B[n_carriers], own[n_carriers];
    vector<Cross> cross;
    vector<int64_t> pool_of_terminal;
    vector<double> release, competition[n_carriers], u[n_carriers], sum_c;

    Pools() : release(c.size()), sum_c(c.size())
    {
        for (int X = 0; X < n_carriers; X++)
        {
            const string name = carriers[X];
            V[X] = plan.numbers("pools.V_" + name);
            K[X] = plan.numbers("pools.K_" + name);
            B[X] = plan.numbers("pools.B_" + name);
            if (n_terminals) own[X] = plan.numbers("uptake_links.own_" + name);
            competition[X].resize(c.size());
            u[X].resize(c.size());
        }
        if (n_terminals) pool_of_terminal = plan.integers("release_links.post");
        if (!n_cross) return;
        const auto partner = plan.integers("cross.pre"), pool = plan.integers("cross.post");
        for (int k = 0; k < n_cross; k++) cross.push_back({int(pool[k]), int(partner[k]), {}});
        for (int X = 0; X < n_carriers; X++)
        {
            const auto k_X = plan.numbers(string("cross.k_") + carriers[X]);
            for (int k = 0; k < n_cross; k++) cross[k].k[X] = k_X[k];
        }
    }

    void step(double h, bool settling, Terminals& terminals)
    {
        std::fill(release.begin(), release.end(), 0.0);
        for (int t = 0; t < n_terminals; t++) release[pool_of_terminal[t]] += terminals.J[t] + terminals.efflux[t];
        for (auto& table : competition) std::fill(table.begin(), table.end(), 0.0);
        for (const Cross& link : cross)
            for (int X = 0; X < n_carriers; X++) competition[X][link.pool] += link.k[X] * c[link.partner];
        for (size_t p = 0; p < c.size(); p++)
        {
            double uptake = 0;
            for (int X = 0; X < n_carriers; X++)
            {
                u[X][p] = c[p] / (K[X][p] * (1 + B[X][p] + competition[X][p]) + c[p]);
                uptake += V[X][p] * u[X][p];
            }
            if (!settling) sum_c[p] += c[p];
            c[p] += h * (settling ? speed_settle[p] : 1) * (release[p] - uptake - k_out[p] * c[p]);
        }
        for (int t = 0; t < n_terminals; t++)
        {
            double taken = 0;
            for (int X = 0; X < n_carriers; X++) taken += own[X][t] * u[X][pool_of_terminal[t]];
            terminals.taken[t] = taken;
        }
    }
};

struct Feedback { int site, terminal; double factor; };

struct Sites
{
    const vector<int64_t> pool = plan.integers("sites.pool"), near_terminal = plan.integers("sites.near_terminal");
    const vector<double> near = plan.numbers("sites.near"), K = plan.numbers("sites.K"), tau = plan.numbers("sites.tau"),
        X = plan.numbers("sites.X"), S = plan.numbers("sites.S"), tau_0 = plan.numbers("sites.tau_0"),
        B = plan.numbers("sites.B"), S_B = plan.numbers("sites.S_B"), k_off = plan.numbers("sites.k_off"),
        k_off_settle = plan.numbers("sites.k_off_settle"), relax = plan.numbers("sites.relax"),
        relax_settle = plan.numbers("sites.relax_settle");
    vector<double> a = plan.numbers("sites.a"), rho = plan.numbers("sites.rho");
    vector<Feedback> feedback;

    Sites()
    {
        if (!n_terminal_links) return;
        const auto site = plan.integers("terminal_links.pre"), terminal = plan.integers("terminal_links.post");
        const auto factor = plan.numbers("terminal_links.factor");
        for (int k = 0; k < n_terminal_links; k++) feedback.push_back({int(site[k]), int(terminal[k]), factor[k]});
    }

    void step(double h, bool settling, const Pools& pools, Terminals& terminals)
    {
        for (size_t k = 0; k < a.size(); k++)
        {
            const double x = (pools.c[pool[k]] + near[k] * terminals.nu[near_terminal[k]]) / K[k], n = 1 + X[k] + x;
            const double k_n = (settling ? k_off_settle[k] : k_off[k]) * n / (1 + X[k]);
            rho[k] += ((1 - B[k]) * x / n - rho[k]) * (1 - std::exp(-h * k_n));
            const double stimulus = tau[k] * rho[k] + (1 - B[k] - rho[k]) * (tau_0[k] + S[k]) / (1 + X[k]) + S_B[k];
            a[k] += (stimulus / (1 + stimulus) - a[k]) * (settling ? relax_settle[k] : relax[k]);
        }
        for (const Feedback& link : feedback) terminals.gain[link.terminal] += link.factor * a[link.site];
    }
};

struct Effect { int site; double* gate; double coefficient; };

// Gates of the populations, by name; the first three start from 0, the others from 1.
struct Gates
{
    std::map<string, vector<double>> of;
    vector<Effect> effects;

    Gates()
    {
        for (const char* name : gate_names) of[name] = plan.numbers(string("gates.") + name);
        if (!n_site_links) return;
        const auto site = plan.integers("site_links.pre"), population = plan.integers("site_links.post");
        for (const char* name : gate_names)
        {
            const auto k = plan.numbers(string("site_links.k_") + name);
            for (int link = 0; link < n_site_links; link++)
                if (k[link] != 0) effects.push_back({int(site[link]), &of[name][population[link]], k[link]});
        }
    }

    bool is_moved(const double* gate) const
    {
        const auto moves = [=](const Effect& effect) { return gate <= effect.gate && effect.gate < gate + n_classes; };
        return std::any_of(effects.begin(), effects.end(), moves);
    }

    void step(const Sites& sites)
    {
        for (auto& [name, gate] : of)
        {
            const bool is_current = name == "G_mod" || name == "J_mod" || name == "V_T_mod";
            std::fill(gate.begin(), gate.end(), is_current ? 0.0 : 1.0);
        }
        for (const Effect& effect : effects) *effect.gate += effect.coefficient * sites.a[effect.site];
        for (auto& [name, gate] : of)
            if (name.compare(0, 5, "gain_") == 0 || name.compare(0, 3, "tx_") == 0)
                for (double& value : gate) value = positive(value);
    }
};

// --- cells ------------------------------------------------------------------------------------------------------------

// Equal parts of a segment, small enough to look for spikes while they are in the nearest cache.
struct Block { Segment segment; int first, last; };
struct Stimulus { double amplitude, probability, period; int64_t on, off, width, key; const real* mask; };


double as_it_is(double x) { return x; }
double times_dt(double rate) { return dt * rate; }
double kept_in_dt(double rate) { return 1 - dt * rate; }
double to_power_of_2(double slope) { return slope * log2_e; }

template <int... K, class Work> inline __attribute__((always_inline)) void each(std::integer_sequence<int, K...>, Work work)
{
    (work(std::integral_constant<int, K>()), ...);
}
using EachFast = std::make_integer_sequence<int, n_fast>;
using EachSlow = std::make_integer_sequence<int, n_slow>;

#define PARAMETER(name, change) const Parameter<shared_##name> name{"cells." #name, change}

// What the loops over cells read and write. They work on a copy of it, which no store can change.
struct Columns
{
    PARAMETER(inv_C_m, times_dt);
    PARAMETER(g_L, as_it_is);
    PARAMETER(E_L, as_it_is);
    PARAMETER(V_T, as_it_is);
    PARAMETER(V_r, as_it_is);
    PARAMETER(V_peak, as_it_is);
    PARAMETER(a, as_it_is);
    PARAMETER(b, as_it_is);
    PARAMETER(E_GABA, as_it_is);
    PARAMETER(kappa, as_it_is);
    PARAMETER(I_b, as_it_is);
    PARAMETER(b_relax, as_it_is);
    PARAMETER(drive, as_it_is);
    PARAMETER(ou_decay, as_it_is);
    PARAMETER(ou_kick, as_it_is);
    real* const v = new_column(plan.numbers("cells.v"));
    PARAMETER(inv_Delta_T, to_power_of_2);
    PARAMETER(I_exp, as_it_is);
    PARAMETER(inv_tau_w, times_dt);
    PARAMETER(inv_tau_GABA, kept_in_dt);
    const int64_t noise_key = plan.integer("cells.noise_key");
    real *const w = new_column<real>(), *const I_in = new_column<real>(), *const G_in = new_column<real>(),
        *const threshold = new_column<real>(), *const I_ou = new_column<real>(), *const I_stim = new_column<real>(),
        *const I_bar = new_column<real>();
    Step* const reopen = new_column<Step>();
    std::array<real*, n_fast> g;
    std::array<real*, n_slow> slow_g, slow_s;
    std::array<real, n_fast> E, keep, open_at_55;
    std::array<real, n_slow> slow_E, slow_decay, slow_rise;
    real Mg_ratio = 0;

    Columns()
    {
        for (int K = 0; K < n_fast; K++)
        {
            g[K] = new_column<real>();
            if (fast_kinds[K].of_cell) continue;
            E[K] = real(plan.number(string("cells.E_") + fast_kinds[K].name));
            keep[K] = real(kept_in_dt(plan.number(string("cells.inv_tau_decay_") + fast_kinds[K].name)));
        }
        for (int K = 0; K < n_slow; K++)
        {
            slow_g[K] = new_column<real>();
            slow_s[K] = new_column<real>();
            slow_E[K] = real(plan.number(string("cells.E_") + slow_kinds[K].name));
            slow_decay[K] = real(plan.number(string("cells.decay_") + slow_kinds[K].name));
            if (slow_kinds[K].rises) slow_rise[K] = real(plan.number(string("cells.rise_") + slow_kinds[K].name));
        }
        for (int K = 0; K < n_fast; K++)
        {
            if (fast_kinds[K].blocked && Mg_ratio == 0) Mg_ratio = real(plan.number("cells.Mg_ratio"));
            open_at_55[K] = real(fast_kinds[K].blocked ? 1 / (1 + Mg_ratio * std::exp(-Mg_slope * -55e-3)) : 1);
        }
    }
};

struct Cells : Columns
{
    static constexpr int longest_block = 256;
    const vector<int64_t> n_ref = plan.integers("cells.n_ref");
    vector<Block> blocks;
    vector<Stimulus> stimuli;
    vector<int> fired;

    Cells()
    {
        for (int k = 0; k < n_stimuli; k++)
        {
            const string number = std::to_string(k);
            Stimulus s;
            s.mask = new_column(plan.numbers("cells.stim_" + number));
            s.amplitude = plan.number("cells.amplitude_" + number);
            s.probability = plan.number("cells.probability_" + number);
            s.on = plan.integer("cells.on_" + number);
            s.off = plan.integer("cells.off_" + number);
            s.key = plan.integer("cells.key_" + number);
            s.period = plan.number("cells.period_" + number);
            s.width = plan.integer("cells.width_" + number);
            stimuli.push_back(s);
        }
        for (const Segment& s : places.segments)
        {
            const int length = s.last - s.first, parts = (length + longest_block - 1) / longest_block;
            const int own = (length / parts + Places::lanes - 1) / Places::lanes * Places::lanes;
            for (int first = s.first; first < s.last; first += own)
                blocks.push_back({s, first, std::min(first + own, s.last)});
        }
        // Idle places stay closed.
        std::fill(reopen, reopen + places.n, std::numeric_limits<Step>::max());
        for (int32_t place : places.of_cell) reopen[place] = 0;
    }

    // Current of the stimuli; most steps have none.
    void stimulate(int64_t step)
    {
        bool any = false;
        for (const Stimulus& s : stimuli) any = any || (s.on <= step && step < s.off + per_slow);
        if (!any) return;
        std::fill(I_stim, I_stim + places.n, real(0));
        for (const Stimulus& s : stimuli)
        {
            if (step < s.on || step >= s.off || std::fmod(step - s.on + 0.01, s.period) >= s.width) continue;
            for (int cell = 0; cell < n_cells; cell++)
            {
                const int k = places.of_cell[cell];
                if (uniform(cell, step / per_slow, s.key) < s.probability) I_stim[k] += real(s.amplitude) * s.mask[k];
            }
        }
    }

    void slow_step(int64_t step, Gates& gates)
    {
        stimulate(step);
        for (const Segment& s : places.segments)
        {
            fluctuate(s, step);
            take_gates(s, real(gates.of["G_mod"][s.population]), real(gates.of["J_mod"][s.population]),
                       real(gates.of["V_T_mod"][s.population]));
        }
    }

    void fluctuate(Segment s, int64_t step)
    {
        const Columns p = *this;
        const auto decay = p.ou_decay.from(s.first);
        const auto kick = p.ou_kick.from(s.first);
        INDEPENDENT
        for (int64_t k = s.first; k < s.last; k++)
            p.I_ou[k] = decay[k] * p.I_ou[k] + kick[k] * gauss_of(_ns_bits(k - s.shift, step / per_slow, p.noise_key), real());
    }

    // What holds for the next slow step in cells of one population.
    void take_gates(Segment s, real G_mod, real J_mod, real V_T_mod)
    {
        const Columns p = *this;
        const auto drive = p.drive.from(s.first);
        const auto b_relax = p.b_relax.from(s.first);
        const auto I_b = p.I_b.from(s.first);
        const auto V_T = p.V_T.from(s.first);
        const auto kappa = p.kappa.from(s.first);
        const auto g_L = p.g_L.from(s.first);
        const auto E_L = p.E_L.from(s.first);
        const auto inv_Delta_T = p.inv_Delta_T.from(s.first);
        const auto E_GABA = p.E_GABA.from(s.first);
        INDEPENDENT
        for (int k = s.first; k < s.last; k++)
        {
            real G = G_mod, I = drive[k] + p.I_ou[k] + p.I_stim[k] + J_mod;
            each(EachSlow(), [&](auto K) {
                const real s_k = p.slow_s[K][k] * p.slow_decay[K];
                real g_k = s_k;
                if constexpr (slow_kinds[K].rises) g_k += (p.slow_g[K][k] - s_k) * p.slow_rise[K];
                p.slow_s[K][k] = s_k;
                p.slow_g[K][k] = g_k;
                G += g_k;
                I += g_k * p.slow_E[K];
            });
            real I_55 = I + G * real(55e-3);
            each(EachFast(), [&](auto K) {
                const real E = fast_kinds[K].of_cell ? E_GABA[k] : p.E[K];
                I_55 += p.g[K][k] * (real(55e-3) + E) * p.open_at_55[K];
            });
            const real bar = p.I_bar[k] + (I_55 - p.I_bar[k]) * b_relax[k], more = bar - I_b[k];
            p.I_bar[k] = bar;
            p.threshold[k] = (V_T[k] + V_T_mod + kappa[k] * (more > 0 ? more : 0) / g_L[k]) * inv_Delta_T[k];
            p.G_in[k] = g_L[k] + G;
            p.I_in[k] = g_L[k] * E_L[k] + I;
        }
    }

    // One step of cells first .. last of a population; whether any of them fired.
    inline __attribute__((always_inline)) static bool advance(const Columns& p, int first, int last, Step step)
    {
        const auto inv_Delta_T = p.inv_Delta_T.from(first);
        const auto I_exp = p.I_exp.from(first);
        const auto E_GABA = p.E_GABA.from(first);
        const auto keep_GABA = p.inv_tau_GABA.from(first);
        const auto inv_C_m = p.inv_C_m.from(first);
        const auto inv_tau_w = p.inv_tau_w.from(first);
        const auto a = p.a.from(first);
        const auto E_L = p.E_L.from(first);
        const auto V_peak = p.V_peak.from(first);
        const real fires_at = shared_V_peak ? V_peak[first] : real(0);
        real above = fires_at;
        INDEPENDENT
        for (int k = first; k < last; k++)
        {
            const real v = p.v[k], w = p.w[k];
            real I = p.I_in[k] - p.G_in[k] * v - w;
            I += I_exp[k] * power_of_2(kept_in_range(v * inv_Delta_T[k] - p.threshold[k]));
            each(EachFast(), [&](auto K) {
                const real g = p.g[K][k], part = g * (v - (fast_kinds[K].of_cell ? E_GABA[k] : p.E[K]));
                if constexpr (fast_kinds[K].blocked)
                    I -= part / (1 + p.Mg_ratio * power_of_2(v * real(-Mg_slope * log2_e)));
                else
                    I -= part;
                p.g[K][k] = g * (fast_kinds[K].of_cell ? keep_GABA[k] : p.keep[K]);
            });
            const real dt_by_C_m = p.reopen[k] <= step ? inv_C_m[k] : real(0);
            const real v_next = v + dt_by_C_m * I, over = shared_V_peak ? v_next : v_next - V_peak[k];
            p.v[k] = v_next;
            p.w[k] = w + inv_tau_w[k] * (a[k] * (v - E_L[k]) - w);
            above = above > over ? above : over;
        }
        return above > fires_at;
    }

    void fast_step(int64_t step, const vector<double>& adaptation)
    {
        const Columns p = *this;
        fired.clear();
        for (const Block& block : blocks)
        {
            const Segment& s = block.segment;
            if (!advance(p, block.first, block.last, Step(step))) continue;
            for (int k = block.first; k < block.last; k++)
            {
                if (!(v[k] > V_peak[k])) continue;
                const int cell = k - s.shift;
                fired.push_back(cell);
                v[k] = V_r[k];
                w[k] += b[k] * real(adaptation[s.population]);
                reopen[k] = Step(step + 1 + n_ref[cell]);
            }
        }
    }
};

// --- synapses ---------------------------------------------------------------------------------------------------------

struct Plasticity { real U, rate_rec, rate_fac, x, u; int64_t last; };

// Synapses of one source that share a delay.
struct Run { int32_t delay, source_population, begin, end; };

class Pathway
{
    const Group& group;
    real* target;
    const double* gain;
    const double* transmission = nullptr;
    const bool is_scaled;
    vector<int32_t> post;  // places
    vector<real> weight;
    vector<Plasticity> plasticity;
    vector<Run> runs;
    vector<int32_t> first_run;
    vector<vector<int32_t>> slots;

public:
    // The plan has its synapses sorted by source, then delay.
    Pathway(const Group& group, Cells& cells, Gates& gates)
        : group(group), target(group.fast ? cells.g[group.place] : cells.slow_s[group.place]),
          gain(gates.of[string("gain_") + group.kind].data()), is_scaled(gates.is_moved(gain)), first_run(n_cells + 1)
    {
        const string name = string(group.name) + ".";
        if (group.gate >= 0) transmission = gates.of["tx_" + std::to_string(group.gate)].data();
        arrange(plan.integers(name + "pre"), plan.numbers(name + "delay"));
        for (int64_t cell : plan.integers(name + "post")) post.push_back(places.of_cell[cell]);
        for (double own : plan.numbers(name + "weight")) weight.push_back(real(own));
        if (!group.plastic) return;
        const auto U = plan.numbers(name + "U"), tau_rec = plan.numbers(name + "tau_rec"),
            tau_fac = plan.numbers(name + "tau_fac");
        for (int k = 0; k < group.n; k++)
            plasticity.push_back({real(U[k]), real(-dt / tau_rec[k]), real(-dt / tau_fac[k]), 1, 0, 0});
    }

    void send(int cell, int64_t step)
    {
        for (int32_t run = first_run[cell]; run < first_run[cell + 1]; run++)
            slots[(step + runs[run].delay) % slots.size()].push_back(run);
    }

    void arrive(int64_t step)
    {
        auto& slot = slots[step % slots.size()];
        for (int32_t number : slot)
        {
            const Run run = runs[number];
            const real scale = transmission ? real(transmission[run.source_population]) : real(1);
            if (group.plastic)
                for (int32_t k = run.begin; k < run.end; k++) add(k, scale * released(plasticity[k], step));
            else
                for (int32_t k = run.begin; k < run.end; k++) add(k, scale);
        }
        slot.clear();
    }

private:
    void arrange(const vector<int64_t>& pre, const vector<double>& delay)
    {
        size_t longest = 0;
        for (int k = 0; k < group.n; k++)
        {
            const int32_t steps = int32_t(delay[k] / dt + 0.5);
            if (k == 0 || pre[k] != pre[k - 1] || steps != runs.back().delay)
            {
                runs.push_back({steps, places.population[places.of_cell[pre[k]]], k, k});
                first_run[pre[k] + 1]++;
            }
            runs.back().end = k + 1;
            longest = std::max<size_t>(longest, steps);
        }
        for (int cell = 0; cell < n_cells; cell++) first_run[cell + 1] += first_run[cell];
        slots.resize(longest + 1);
    }

    // Gains that no site moves stay 1 and are not looked up.
    void add(int32_t k, real scale)
    {
        const int32_t place = post[k];
        target[place] += weight[k] * (is_scaled ? scale * real(gain[places.population[place]]) : scale);
    }

    static real released(Plasticity& p, int64_t step)
    {
        const real passed = real(step - p.last);
        const real x = 1 + (p.x - 1) * real(vexp(p.rate_rec * passed)), before = p.u * real(vexp(p.rate_fac * passed));
        p.u = before + p.U * (1 - before);
        p.x = x - p.u * x;
        p.last = step;
        return p.u * x;
    }
};

// Terminals that count the spikes of a cell.
struct Counted
{
    vector<int32_t> first = vector<int32_t>(n_cells + 1), terminals;

    Counted()
    {
        if (!n_cell_terminals) return;
        const auto cell = plan.integers("counted.pre"), terminal = plan.integers("counted.post");
        for (int64_t k : cell) first[k + 1]++;
        for (int k = 0; k < n_cells; k++) first[k + 1] += first[k];
        vector<int32_t> place(first);
        terminals.resize(cell.size());
        for (size_t k = 0; k < cell.size(); k++) terminals[place[cell[k]]++] = int32_t(terminal[k]);
    }
};

double peak_memory()  // MB
{
    std::ifstream status("/proc/self/status");
    for (string word; status >> word;)
        if (word == "VmHWM:")
        {
            double kilobytes;
            status >> kilobytes;
            return kilobytes / 1024;
        }
    return 0;
}

double processor_time() { return double(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace

int main()
{
    const int64_t settle_steps = plan.integer("settle_steps"), total = settle_steps + plan.integer("record_steps");
    Cells cells;
    Terminals terminals;
    Pools pools;
    Sites sites;
    Gates gates;
    const Counted counted;
    vector<Pathway> pathways;
    for (const Group& group : groups)
        if (group.n) pathways.emplace_back(group, cells, gates);
    auto& adaptation = gates.of["adaptation"];
    vector<int32_t> spike_i;
    vector<int64_t> spike_step;

    const auto started = std::chrono::steady_clock::now();
    const double processor_started = processor_time();
    for (int64_t step = 0; step < total; step++)
    {
        const bool settling = step < settle_steps;
        if (step % per_slow == 0)
        {
            terminals.step(slow_dt, settling);
            pools.step(slow_dt, settling, terminals);
            sites.step(slow_dt, settling, pools, terminals);
            gates.step(sites);
            cells.slow_step(step, gates);
        }
        cells.fast_step(step, adaptation);
        for (int cell : cells.fired)
        {
            for (int32_t k = counted.first[cell]; k < counted.first[cell + 1]; k++) terminals.count[counted.terminals[k]]++;
            for (Pathway& pathway : pathways) pathway.send(cell, step);
            if (settling) continue;
            spike_i.push_back(cell);
            spike_step.push_back(step);
        }
        for (Pathway& pathway : pathways) pathway.arrive(step);
    }
    const double cpu_time = processor_time() - processor_started;
    const std::chrono::duration<double> loop_time = std::chrono::steady_clock::now() - started;

    const double slow_steps = double((total - settle_steps) / per_slow);
    for (double& sum : pools.sum_c) sum /= slow_steps;
    write("loop_time", vector<double>{loop_time.count()});
    write("cpu_time", vector<double>{cpu_time});
    write("peak_memory", vector<double>{peak_memory()});
    write("spike_i", spike_i);
    write("spike_step", spike_step);
    write("concentration", pools.sum_c);
    write("end", vector<char>());
}
