"""A claim-frequency model in Python: Poisson, log link, log(Holders) as exposure.

python examples/glm/fit.py > coefficients.csv
Needs pandas and statsmodels.
"""

import pathlib
import sys

import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf

insurance = pd.read_csv(pathlib.Path(__file__).parent / "insurance.csv", dtype={"District": str})

model = smf.glm(
    "Claims ~ C(District) + C(Group, Treatment(reference='<1l')) + C(Age, Treatment(reference='<25'))",
    data=insurance,
    family=sm.families.Poisson(),
    offset=np.log(insurance["Holders"]),
).fit()
model.params.to_csv(sys.stdout)
print(f"residual deviance {model.deviance:.6f} on {model.df_resid} df", file=sys.stderr)
