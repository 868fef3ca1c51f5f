"""Answers to the exercises of lesson 11b as different people would write them, right and wrong; see test_check.py."""

import torch
import torch.nn.functional as F


def cycle_by_l1(generator, back, s, x):
    return F.l1_loss(back(generator(s)), s) + F.l1_loss(generator(back(x)), x)


def cycle_by_cat(generator, back, s, x):
    both = torch.cat([s - back(generator(s)), x - generator(back(x))])
    return 2 * both.abs().mean()  # as many of either


def cycle(generator, back, s, x, loss=F.l1_loss, way=lambda first, second, v: second(first(v))):
    return loss(way(generator, back, s), s) + loss(way(back, generator, x), x)


def cycle_of(gap):
    return lambda g, b, s, x: gap(b(g(s)) - s) + gap(g(b(x)) - x)


def memory_by_loop(memory, fakes, coins, places):
    kept, shown = memory.clone(), []
    for fake, coin, place in zip(fakes, coins, places, strict=True):
        if coin:
            shown.append(kept[place].clone())
            kept[place] = fake
        else:
            shown.append(fake)
    return torch.stack(shown), kept


def memory_by_where(memory, fakes, coins, places):
    wide = coins[:, None, None]
    kept = memory.index_put((places,), torch.where(wide, fakes, memory[places]))
    return torch.where(wide, memory[places], fakes), kept


def memory_first_places(memory, fakes, coins, places):
    shown, kept, n = fakes.clone(), memory.clone(), coins.sum()
    shown[coins] = memory[:n]
    kept[:n] = fakes[coins]
    return shown, kept


def memory_written_first(memory, fakes, coins, places):
    kept = memory.clone()
    kept[places[coins]] = fakes[coins]
    shown = fakes.clone()
    shown[coins] = kept[places[coins]]
    return shown, kept


def memory_masked(memory, fakes, coins, places):
    shown, kept = fakes.clone(), memory.clone()
    shown[coins], kept[coins] = memory[coins], fakes[coins]
    return shown, kept


def memory_shown_all_places(memory, fakes, coins, places):
    shown = fakes.clone()
    shown[coins] = memory[places]
    return shown, memory


def memory_showing_first_given(memory, fakes, coins, places):
    shown = fakes.clone()
    shown[coins] = memory[places[: coins.sum()]]
    return shown, memory_by_loop(memory, fakes, coins, places)[1]


def memory_of_first_given(memory, fakes, coins, places):
    return memory_at(memory, fakes, coins, places[: coins.sum()], fakes[coins])


def memory_of_first_fakes(memory, fakes, coins, places):
    return memory_at(memory, fakes, coins, places[coins], fakes[: coins.sum()])


def memory_at(memory, fakes, coins, chosen, new):
    shown, kept = fakes.clone(), memory.clone()
    shown[coins], kept[chosen] = memory[chosen], new
    return shown, kept


def memory_in_order(memory, fakes, coins, places):
    return memory_by_loop(memory, fakes, coins, range(len(fakes)))


def memory_takes_all(memory, fakes, coins, places):
    kept = memory.clone()
    kept[places] = fakes
    return memory_by_loop(memory, fakes, coins, places)[0], kept


ANSWERS = {
    "11b.1": {
        "right": [cycle_by_l1, cycle_by_cat],
        "wrong": [
            (lambda g, b, s, x: F.l1_loss(b(g(s)), s), "way from x"),
            (lambda g, b, s, x: (F.l1_loss(b(g(s)), s) + F.l1_loss(g(b(x)), x)).item(), "without a way back"),
            (lambda g, b, s, x: F.l1_loss(g(b(x)), x), "way from s"),
            (lambda g, b, s, x: F.l1_loss(g(s), x) + F.l1_loss(b(x), s), "needs pairs"),
            (lambda g, b, s, x: F.l1_loss(b(g(s)), x) + F.l1_loss(g(b(x)), s), "where *it* began"),
            (lambda g, b, s, x: cycle(b, g, s, x), "wrong way round"),
            (lambda g, b, s, x: F.l1_loss(b(s), s) + F.l1_loss(g(x), x), "identity loss"),
            (lambda *given: cycle(*given, way=lambda f, h, v: h(f(v).detach())), "detached"),
            (lambda *given: cycle(*given, loss=F.mse_loss), "squared"),
            (lambda *given: cycle(*given, loss=lambda a, b: (a - b).abs().sum()), "added the errors up"),
            (lambda *given: cycle(*given, loss=lambda a, b: (a - b).mean().abs()), "cancel"),
            (lambda *given: cycle(*given) / 2, "averaged the two ways"),
            (lambda g, b, s, x: cycle(g, b, s, x) + F.l1_loss(g(x), x) + F.l1_loss(b(s), s), "added the identity"),
            (lambda g, b, s, x: F.l1_loss(b(g(s)), s) - F.l1_loss(g(b(x)), x), "one way from the other"),
            (lambda *given: cycle(*given, loss=lambda a, b: F.mse_loss(a, b) ** 0.5), "root of the mean square"),
            (lambda g, b, s, x: (F.l1_loss(b(g(s)), s), F.l1_loss(g(b(x)), x)), "the two ways apart"),
            (cycle_of(lambda gap: gap.abs().flatten(1).mean(1)), "a number for each sample"),
            (cycle_of(torch.abs), "returned all absolute errors"),
            (cycle_of(lambda gap: gap.flatten(1).norm(dim=1).mean()), "the lengths (norms)"),
            (lambda g, b, s, x: F.l1_loss(b(g(s)), b(x)) + F.l1_loss(g(b(x)), g(s)), "the round trip of s with F(x)"),
        ],
    },
    "11b.2": {
        "right": [memory_by_loop, memory_by_where],
        "wrong": [
            (memory_first_places, "the first places"),
            (lambda m, f, c, p: memory_by_loop(m, f, ~c, p), "other way round"),
            (lambda m, f, c, p: (memory_by_loop(m, f, c, p)[0], m.clone()), "into the memory"),
            (memory_takes_all, "every new fake into the memory"),
            (memory_written_first, "Read first"),
            (lambda m, f, c, p: (m[p], memory_by_loop(m, f, c, p)[1]), "past fakes alone"),
            (memory_in_order, "places[b]"),
            (memory_masked, "as a mask of the memory"),
            (lambda m, f, c, p: memory_by_loop(m, f, torch.ones_like(c), p), "every fake"),
            (lambda m, f, c, p: (f.clone(), m.clone()), "exchanged none"),
            (memory_shown_all_places, "not as many values as places"),
            (memory_showing_first_given, "showed the past fakes at the first"),
            (memory_of_first_given, "the first of `places`"),
            (memory_of_first_fakes, "the first new fakes"),
            (
                lambda m, f, c, p: (memory_by_loop(m, f, c, p)[0], memory_by_loop(m, f, ~c, p)[1]),
                "coin is False. Those",
            ),
            (lambda m, f, c, p: (memory_by_loop(m, f, ~c, p)[0], memory_by_loop(m, f, c, p)[1]), "memory is right"),
        ],
    },
}
