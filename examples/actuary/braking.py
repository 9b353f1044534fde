"""Harsh braking a kilometre by night and length of the trip, over the Parquet export.

ODOGRAPH_TOKEN=$(npx odograph token --role ACTUARY --microdata) python examples/actuary/braking.py > coefficients.csv

Poisson, log link, log(kilometres) as an offset; the trips of one driver are not independent, so the standard errors
are clustered by driver. Needs pandas, pyarrow and statsmodels.
"""

import io
import os
import sys
import urllib.request

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import statsmodels.api as sm
import statsmodels.formula.api as smf


def read_trips() -> tuple[pd.DataFrame, dict[str, str]]:
    """The closed trips, and what the file says of itself: snapshot, filter, meaning of each column."""
    base = os.environ.get("ODOGRAPH_URL", "http://127.0.0.1:4000")
    request = urllib.request.Request(
        f"{base}/export/trips.parquet?status=CLOSED",
        headers={"Authorization": f"Bearer {os.environ['ODOGRAPH_TOKEN']}"},
    )
    with urllib.request.urlopen(request) as response:
        table = pq.read_table(io.BytesIO(response.read()))
    notes = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    return table.to_pandas(), notes


trips, notes = read_trips()
print(f"snapshot {notes['odograph.snapshot']}, data as of {notes['odograph.data_as_of']}", file=sys.stderr)

trips = trips[(trips["distance_km"] > 0) & trips["driver_id"].notna()].copy()
# GPS and accelerometer often see the same braking: the one that saw more counts.
trips["braking"] = trips[["harsh_braking_gps", "harsh_braking_accelerometer"]].max(axis="columns")
trips["hours"] = np.where(trips["night_km"] > trips["distance_km"] / 2, "night", "day")
trips["length"] = pd.cut(trips["distance_km"], [0, 5, 20, np.inf], labels=["short", "middle", "long"]).astype(str)


def base_of(factor: str) -> str:
    """The level with the most kilometres."""
    return trips.groupby(factor)["distance_km"].sum().idxmax()


model = smf.glm(
    f"braking ~ C(hours, Treatment(reference='{base_of('hours')}')) + C(length, Treatment(reference='{base_of('length')}'))",
    data=trips,
    family=sm.families.Poisson(),
    offset=np.log(trips["distance_km"]),
).fit(cov_type="cluster", cov_kwds={"groups": trips["driver_id"].astype(int)})

pd.DataFrame({"estimate": model.params, "std.error": model.bse, "p.value": model.pvalues}).to_csv(
    sys.stdout, index_label="term"
)
print(
    f"{len(trips)} trips of {trips['driver_id'].nunique()} drivers, deviance {model.deviance:.6f} on {model.df_resid} df,"
    f" dispersion {model.pearson_chi2 / model.df_resid:.4f}",
    file=sys.stderr,
)
