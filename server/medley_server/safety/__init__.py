"""Between what a model read and what is answered: doubts, told as warnings.

Nothing here changes a value. Each check looks at one kind of error that could do harm and says
which values a person should look at; the codes of its warnings stand in its module.
"""

from medley_server.safety.assessing import CHECKS, Assessment, assess, marked
from medley_server.safety.chart import Chart, Reading

__all__ = ["CHECKS", "Assessment", "Chart", "Reading", "assess", "marked"]
