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

// One value for each cell, zero to begin with. Lengths that are multiples of a page would put equal places of all columns
// into the same set of the cache; the extra lines spread them.
template <class T> T* new_column()
{
    static int n_columns = 0;
    const size_t lines = (n_cells * sizeof(T) + 63) / 64 + 8, shift = n_columns++ % 8;
    char* const memory = static_cast<char*>(std::aligned_alloc(64, lines * 64));
    std::memset(memory, 0, lines * 64);
    return reinterpret_cast<T*>(memory + 64 * shift);
}

real* new_column(const vector<double>& values)
{
    real* const column = new_column<real>();
    for (int k = 0; k < n_cells; k++) column[k] = real(values.at(k));
    return column;
}

vector<double> change_all(vector<double> values, double (*change)(double))
{
    for (double& value : values) value = change(value);
    return values;
}

// A parameter of the cells: a column, or one number where all cells have the same.
template <bool shared> class Parameter;
template <> class Parameter<false>
{
    const real* column;
public:
    Parameter(const string& name, double (*change)(double)) : column(new_column(change_all(plan.numbers(name), change))) {}
    real operator[](int k) const { return column[k]; }
};
template <> class Parameter<true>
{
    real value;
public:
    Parameter(const string& name, double (*change)(double))
    {
        const auto values = plan.numbers(name);
        for (double own : values)
            if (own != values[0]) fail(name + " is not the same in all cells, as the program was told");
        value = real(change(values.at(0)));
    }
    real operator[](int) const { return value; }
};

constexpr double log2_e = 1.44269504088896340736;

// 2**y by a polynomial on [-1/2, 1/2], without a branch. Adding `round` leaves the nearest whole number in the last
// bits; a compiler that may reorder sums would take it away again, so floor.py forbids it that.
inline double power_of_2(double y)
{
    const double round = 6755399441055744.0, shifted = y + round, f = y - (shifted - round);
    int64_t n;
    __builtin_memcpy(&n, &shifted, 8);
    double p = 9.1681230009722478566e-8;
    p = p * f + 1.3255182740764667638e-6;
    p = p * f + 1.5258493043374334102e-5;
    p = p * f + 1.5403456036911953442e-4;
    p = p * f + 1.3333547331502898123e-3;
    p = p * f + 9.618129159171819038e-3;
    p = p * f + 5.5504108739711916047e-2;
    p = p * f + 0.24022650695813709767;
    p = p * f + 0.69314718055855055748;
    p = p * f + 1.0;
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
    float p = 1.5345811889853683e-4f;
    p = p * f + 1.3399931217853434e-3f;
    p = p * f + 9.618488957570746e-3f;
    p = p * f + 5.5503287769704306e-2f;
    p = p * f + 2.4022646890629765e-1f;
    p = p * f + 6.931472057372638e-1f;
    p = p * f + 1.0f;
    int32_t bits;
    __builtin_memcpy(&bits, &p, 4);
    bits += int32_t(uint32_t(n) << 23);
    __builtin_memcpy(&p, &bits, 4);
    return p;
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
        K_S = plan.numbers("terminals.K_S"), living = plan.numbers("terminals.living"),
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
            const double out = efflux_max[k] * S[k] / (S[k] + K_S[k]);
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

struct Segment { int population, first, last; };
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
    const vector<int64_t> population = plan.integers("cells.population"), n_ref = plan.integers("cells.n_ref");
    vector<Segment> segments;
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
        for (int k = 0; k < n_cells; k++)
        {
            if (k == 0 || population[k] != population[k - 1]) segments.push_back({int(population[k]), k, k});
            segments.back().last = k + 1;
        }
    }

    // Current of the stimuli; most steps have none.
    void stimulate(int64_t step)
    {
        bool any = false;
        for (const Stimulus& s : stimuli) any = any || (s.on <= step && step < s.off + per_slow);
        if (!any) return;
        std::fill(I_stim, I_stim + n_cells, real(0));
        for (const Stimulus& s : stimuli)
        {
            if (step < s.on || step >= s.off || std::fmod(step - s.on + 0.01, s.period) >= s.width) continue;
            INDEPENDENT
            for (int k = 0; k < n_cells; k++)
                I_stim[k] += uniform(k, step, s.key) < s.probability ? real(s.amplitude) * s.mask[k] : real(0);
        }
    }

    void slow_step(int64_t step, Gates& gates)
    {
        stimulate(step);
        for (const Segment& s : segments)
            slow_step(step, s, real(gates.of["G_mod"][s.population]), real(gates.of["J_mod"][s.population]),
                      real(gates.of["V_T_mod"][s.population]));
    }

    void slow_step(int64_t step, Segment s, real G_mod, real J_mod, real V_T_mod)
    {
        const Columns p = *this;
        INDEPENDENT
        for (int k = s.first; k < s.last; k++)
        {
            const real noise = p.ou_decay[k] * p.I_ou[k] + p.ou_kick[k] * real(gauss(k, step, p.noise_key));
            real G = G_mod, I = p.drive[k] + noise + p.I_stim[k] + J_mod;
            p.I_ou[k] = noise;
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
                const real E_k = fast_kinds[K].of_cell ? p.E_GABA[k] : p.E[K];
                I_55 += p.g[K][k] * (real(55e-3) + E_k) * p.open_at_55[K];
            });
            const real bar = p.I_bar[k] + (I_55 - p.I_bar[k]) * p.b_relax[k], more = bar - p.I_b[k];
            p.I_bar[k] = bar;
            const real V_Te = p.V_T[k] + V_T_mod + p.kappa[k] * (more > 0 ? more : 0) / p.g_L[k];
            p.threshold[k] = V_Te * p.inv_Delta_T[k];
            p.G_in[k] = p.g_L[k] + G;
            p.I_in[k] = p.g_L[k] * p.E_L[k] + I;
        }
    }

    // One step of cells first .. last; whether any of them fired.
    inline __attribute__((always_inline)) static bool advance(const Columns& p, int first, int last, Step step)
    {
        real above = -1;
        INDEPENDENT
        for (int k = first; k < last; k++)
        {
            const real v = p.v[k], w = p.w[k];
            real I = p.I_in[k] - p.G_in[k] * v - w;
            I += p.I_exp[k] * power_of_2(kept_in_range(v * p.inv_Delta_T[k] - p.threshold[k]));
            each(EachFast(), [&](auto K) {
                const real g = p.g[K][k];
                const real part = g * (v - (fast_kinds[K].of_cell ? p.E_GABA[k] : p.E[K]));
                if constexpr (fast_kinds[K].blocked)
                    I -= part / (1 + p.Mg_ratio * power_of_2(v * real(-Mg_slope * log2_e)));
                else
                    I -= part;
                p.g[K][k] = g * (fast_kinds[K].of_cell ? p.inv_tau_GABA[k] : p.keep[K]);
            });
            const real dt_by_C_m = p.reopen[k] <= step ? p.inv_C_m[k] : real(0);
            const real v_next = v + dt_by_C_m * I, over = v_next - p.V_peak[k];
            p.v[k] = v_next;
            p.w[k] = w + p.inv_tau_w[k] * (p.a[k] * (v - p.E_L[k]) - w);
            above = above > over ? above : over;
        }
        return above > 0;
    }

    // The blocks are small enough to look for spikes while they are in the nearest cache.
    void fast_step(int64_t step, vector<double>& adaptation)
    {
        const Columns p = *this;
        constexpr int block = 256;
        fired.clear();
        for (int first = 0; first < n_cells; first += block)
        {
            const int last = std::min(first + block, n_cells);
            if (!advance(p, first, last, Step(step))) continue;
            for (int k = first; k < last; k++)
            {
                if (!(v[k] > V_peak[k])) continue;
                fired.push_back(k);
                v[k] = V_r[k];
                w[k] += b[k] * real(adaptation[population[k]]);
                reopen[k] = Step(step + 1 + n_ref[k]);
            }
        }
    }
};

// --- synapses ---------------------------------------------------------------------------------------------------------

struct Synapse { int32_t post, population; real weight; };
struct Plasticity { real U, rate_rec, rate_fac, x, u; int64_t last; };

// Synapses of one source that share a delay.
struct Run { int32_t delay, source_population, begin, end; };

class Pathway
{
    const Group& group;
    real* target;
    const double *gain, *transmission = nullptr;
    vector<Synapse> synapses;
    vector<Plasticity> plasticity;
    vector<Run> runs;
    vector<int32_t> first_run;
    vector<vector<int32_t>> slots;

public:
    // The plan has its synapses sorted by source, then delay.
    Pathway(const Group& group, Cells& cells, Gates& gates)
        : group(group), target(group.fast ? cells.g[group.place] : cells.slow_s[group.place]),
          gain(gates.of[string("gain_") + group.kind].data()), synapses(group.n), first_run(n_cells + 1)
    {
        const string name = string(group.name) + ".";
        if (group.gate >= 0) transmission = gates.of["tx_" + std::to_string(group.gate)].data();
        arrange(plan.integers(name + "pre"), plan.numbers(name + "delay"), cells.population);
        {
            const auto post = plan.integers(name + "post");
            for (int k = 0; k < group.n; k++) synapses[k].post = int32_t(post[k]);
        }
        {
            const auto weight = plan.numbers(name + "weight");
            for (int k = 0; k < group.n; k++) synapses[k].weight = real(weight[k]);
        }
        for (Synapse& synapse : synapses) synapse.population = int32_t(cells.population[synapse.post]);
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
            const double scale = transmission ? transmission[run.source_population] : 1.0;
            if (group.plastic)
                arrive_plastic(run, scale, step);
            else
                for (int32_t k = run.begin; k < run.end; k++)
                {
                    const Synapse s = synapses[k];
                    target[s.post] += s.weight * real(gain[s.population] * scale);
                }
        }
        slot.clear();
    }

private:
    void arrange(const vector<int64_t>& pre, const vector<double>& delay, const vector<int64_t>& population)
    {
        size_t longest = 0;
        for (int k = 0; k < group.n; k++)
        {
            const int32_t steps = int32_t(delay[k] / dt + 0.5);
            if (k == 0 || pre[k] != pre[k - 1] || steps != runs.back().delay)
            {
                runs.push_back({steps, int32_t(population[pre[k]]), k, k});
                first_run[pre[k] + 1]++;
            }
            runs.back().end = k + 1;
            longest = std::max<size_t>(longest, steps);
        }
        for (int cell = 0; cell < n_cells; cell++) first_run[cell + 1] += first_run[cell];
        slots.resize(longest + 1);
    }

    void arrive_plastic(Run run, double scale, int64_t step)
    {
        for (int32_t k = run.begin; k < run.end; k++)
        {
            const Synapse s = synapses[k];
            Plasticity& p = plasticity[k];
            const real passed = real(step - p.last);
            real x = 1 + (p.x - 1) * real(vexp(p.rate_rec * passed)), u = p.u * real(vexp(p.rate_fac * passed));
            u += p.U * (1 - u);
            target[s.post] += s.weight * real(gain[s.population] * scale) * u * x;
            p.x = x - u * x;
            p.u = u;
            p.last = step;
        }
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
