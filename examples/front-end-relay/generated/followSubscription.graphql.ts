/**
 * @generated SignedSource<<482beb8985ecc76d7cc14cb5ccd7ded3>>
 * @relayHash ce4f2a26459137392abcbb99ff877737
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

// @relayRequestID 4d08af2936ceb571b0b8e778cc5df7f2f8673bb31ff9c36e33d26f86c248280f

import type { ConcreteRequest } from 'relay-runtime';
import type { FragmentRefs } from "relay-runtime";
export type followSubscription$variables = {
  after?: string | null | undefined;
  deviceId: string;
  lists: ReadonlyArray<string>;
};
export type followSubscription$data = {
  readonly tripUpdates: {
    readonly cursor: string;
    readonly trip: {
      readonly " $fragmentSpreads": FragmentRefs<"tripList_trip">;
    };
  };
};
export type followSubscription = {
  response: followSubscription$data;
  variables: followSubscription$variables;
};

const node: ConcreteRequest = (function(){
var v0 = {
  "defaultValue": null,
  "kind": "LocalArgument",
  "name": "after"
},
v1 = {
  "defaultValue": null,
  "kind": "LocalArgument",
  "name": "deviceId"
},
v2 = {
  "defaultValue": null,
  "kind": "LocalArgument",
  "name": "lists"
},
v3 = [
  {
    "kind": "Variable",
    "name": "after",
    "variableName": "after"
  },
  {
    "kind": "Variable",
    "name": "deviceId",
    "variableName": "deviceId"
  }
],
v4 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "cursor",
  "storageKey": null
},
v5 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "id",
  "storageKey": null
};
return {
  "fragment": {
    "argumentDefinitions": [
      (v0/*:: as any*/),
      (v1/*:: as any*/),
      (v2/*:: as any*/)
    ],
    "kind": "Fragment",
    "metadata": null,
    "name": "followSubscription",
    "selections": [
      {
        "alias": null,
        "args": (v3/*:: as any*/),
        "concreteType": "TripUpdate",
        "kind": "LinkedField",
        "name": "tripUpdates",
        "plural": false,
        "selections": [
          (v4/*:: as any*/),
          {
            "alias": null,
            "args": null,
            "concreteType": "Trip",
            "kind": "LinkedField",
            "name": "trip",
            "plural": false,
            "selections": [
              {
                "args": null,
                "kind": "FragmentSpread",
                "name": "tripList_trip"
              }
            ],
            "storageKey": null
          }
        ],
        "storageKey": null
      }
    ],
    "type": "Subscription",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": [
      (v1/*:: as any*/),
      (v0/*:: as any*/),
      (v2/*:: as any*/)
    ],
    "kind": "Operation",
    "name": "followSubscription",
    "selections": [
      {
        "alias": null,
        "args": (v3/*:: as any*/),
        "concreteType": "TripUpdate",
        "kind": "LinkedField",
        "name": "tripUpdates",
        "plural": false,
        "selections": [
          (v4/*:: as any*/),
          {
            "alias": null,
            "args": null,
            "concreteType": "Trip",
            "kind": "LinkedField",
            "name": "trip",
            "plural": false,
            "selections": [
              (v5/*:: as any*/),
              {
                "alias": null,
                "args": null,
                "kind": "ScalarField",
                "name": "status",
                "storageKey": null
              },
              {
                "alias": null,
                "args": null,
                "kind": "ScalarField",
                "name": "startedAt",
                "storageKey": null
              },
              {
                "alias": null,
                "args": null,
                "kind": "ScalarField",
                "name": "distanceKm",
                "storageKey": null
              },
              {
                "alias": null,
                "args": null,
                "kind": "ScalarField",
                "name": "revision",
                "storageKey": null
              },
              {
                "alias": null,
                "args": null,
                "kind": "ScalarField",
                "name": "withdrawn",
                "storageKey": null
              },
              {
                "alias": null,
                "args": null,
                "concreteType": "Trip",
                "kind": "LinkedField",
                "name": "supersededBy",
                "plural": false,
                "selections": [
                  (v5/*:: as any*/)
                ],
                "storageKey": null
              }
            ],
            "storageKey": null
          },
          {
            "alias": null,
            "args": null,
            "filters": null,
            "handle": "prependNode",
            "key": "",
            "kind": "LinkedHandle",
            "name": "trip",
            "handleArgs": [
              {
                "kind": "Variable",
                "name": "connections",
                "variableName": "lists"
              },
              {
                "kind": "Literal",
                "name": "edgeTypeName",
                "value": "TripEdge"
              }
            ]
          }
        ],
        "storageKey": null
      }
    ]
  },
  "params": {
    "cacheID": "ce4f2a26459137392abcbb99ff877737",
    "id": "4d08af2936ceb571b0b8e778cc5df7f2f8673bb31ff9c36e33d26f86c248280f",
    "metadata": {},
    "name": "followSubscription",
    "operationKind": "subscription",
    "text": "subscription followSubscription(\n  $deviceId: String!\n  $after: Cursor\n) {\n  tripUpdates(deviceId: $deviceId, after: $after) {\n    cursor\n    trip {\n      ...tripList_trip\n      id\n    }\n  }\n}\n\nfragment tripList_trip on Trip {\n  id\n  status\n  startedAt\n  distanceKm\n  revision\n  withdrawn\n  supersededBy {\n    id\n  }\n}\n"
  }
};
})();

(node as any).hash = "d46ede82fbb4004448b0b137a2519469";

export default node;
