"""The worked solutions of lesson 14."""

from ganlab.check.solutions import Solution


def layer(frames, size, channels, kernel, stride, padding):
    """One layer, one clip. Return frames, side and multiplications, whole numbers."""
    t = (frames + 2 * padding - kernel) // stride + 1
    s = (size + 2 * padding - kernel) // stride + 1
    coming_in, going_out = channels
    return t, s, t * s * s * kernel**3 * coming_in * going_out


def speed_change(path):
    """Paths (N, T, 2) in pixels. Return the median change of the step, (N,)."""
    steps = path[:, 1:] - path[:, :-1]
    changes = steps[:, 1:] - steps[:, :-1]
    return changes.norm(dim=2).median(dim=1).values


def blind(critic, x):
    """Clips x (B, T, ...); critic(x) is (B,). Return logits (B,) blind to order."""
    import itertools

    orders = list(itertools.permutations(range(x.shape[1])))
    return sum(critic(x[:, list(order)]) for order in orders) / len(orders)


SOLUTIONS = {
    "14.1": Solution(
        ("layer",),
        why=r"""
            1. Time is a length like height and width, with the same rule: $(n + 2p - k) / s + 1$, rounded down.
            2. Every place of the result is one sum of products. There are $t \cdot s \cdot s$ places, for each channel
               that comes out.
            3. Each sum goes over $k \cdot k \cdot k$ places of the input and over all channels that come in.
            """,
        slip="""
            Counting the kernel in two dimensions. It also reaches over k frames, so it has k times as many weights.
            """,
    ),
    "14.2": Solution(
        ("speed_change",),
        why=r"""
            1. A step is the difference of two neighbouring positions. If the speed and the direction are constant, all
               steps are the same.
            2. So the difference of two neighbouring steps is 0. Its length is in pixels.
            3. A bounce changes the step too, and is allowed. It happens in few of the frames, and the median passes
               over them.
            """,
        slip="""
            Comparing the lengths of the steps only. A digit that runs in a circle then has a constant speed.
            """,
    ),
    "14.3": Solution(
        ("blind",),
        why=r"""
            1. Shuffle the frames of a clip. The set of all its orders is the same set as before.
            2. So the mean of the critic's logits over all orders is the same, too, whatever the critic is.
            3. There are $T!$ orders: 24 for four frames. For sixteen nobody can do this, so a critic of frames is the
               practical way to be blind to order.
            """,
        slip="""
            Taking only the orders that begin at another frame and go round. A clip that runs backwards is none of them.
            """,
    ),
}
