"""The worked solutions of lesson 03d."""

from ganlab.check.solutions import Solution


def first_deviation(width, sigma, kernel, stride):
    """Return the standard deviation before tanh; the stride divides the kernel."""
    products = (kernel / stride) ** 2  # of each channel
    variance = products * width * sigma**2 / 2
    return variance**0.5


def scale_and_shift(gamma, beta, mean, var, eps):
    """Return (scale, shift): in evaluation mode, batch norm is scale * h + shift."""
    scale = gamma / (var + eps) ** 0.5
    return scale, beta - scale * mean


SOLUTIONS = {
    "03d.1": Solution(
        ("first_deviation",),
        why=r"""
            1. A pixel away from the border is covered by $k / s$ stamps down and $k / s$ across. So of each channel it
               gets $(k / s)^2$ products, and $(k / s)^2 \cdot \mathrm{width}$ in all.
            2. A product is a weight with variance $\sigma^2$ and mean 0, times a value with mean square one half (a
               ReLU of a normal variable with variance 1). Its variance is $\sigma^2 / 2$.
            3. The weights are independent, so the variances are added. The standard deviation is the square root.
            """,
        slip="""
            Counting all k * k weights of a stamp. A pixel meets only the weights of its own phase.
            """,
    ),
    "03d.2": Solution(
        ("scale_and_shift",),
        why=r"""
            1. In evaluation mode the layer computes
               $\gamma (h - \mathrm{mean}) / \sqrt{\mathrm{var} + \varepsilon} + \beta$, with fixed numbers for each
               channel.
            2. What stands in front of $h$ is the scale, $\gamma / \sqrt{\mathrm{var} + \varepsilon}$.
            3. What is left without $h$ is the shift: $\beta$ minus the scale times the mean.
            """,
        slip="""
            Subtracting the mean without its scale. The mean is subtracted before the scaling, so it is scaled, too.
            """,
    ),
}
