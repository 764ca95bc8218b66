"""One peer of the race: reads vectors, asks every query, prints one line of JSON.

    peers.py numpy|chromadb DIRECTORY

DIRECTORY has rows.f32 and queries.f32, 384 numbers a row, as the race wrote them.
"""

import json
import resource
import sys
import tempfile
import time

import numpy as np

WIDTH, NEAREST, BATCH, WARM = 384, 10, 5000, 5


def numpy_search(rows):
    def search(query):
        scores = rows @ query
        best = np.argpartition(-scores, NEAREST)[:NEAREST]
        return best[np.argsort(-scores[best])].tolist()

    return search


def chromadb_search(rows):
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(tempfile.mkdtemp(prefix="chroma-"), Settings(anonymized_telemetry=False))
    items = client.create_collection("items", embedding_function=None, configuration={"hnsw": {"space": "cosine"}})
    for first in range(0, len(rows), BATCH):
        some = rows[first : first + BATCH]
        items.add(ids=[str(first + n) for n in range(len(some))], embeddings=some)
    return lambda query: [int(n) for n in items.query(query_embeddings=[query], n_results=NEAREST, include=[])["ids"][0]]


def main():
    peer, directory = sys.argv[1:]
    rows = np.fromfile(f"{directory}/rows.f32", dtype=np.float32).reshape(-1, WIDTH)
    queries = np.fromfile(f"{directory}/queries.f32", dtype=np.float32).reshape(-1, WIDTH)
    begin = time.perf_counter()
    search = {"numpy": numpy_search, "chromadb": chromadb_search}[peer](rows)
    build = time.perf_counter() - begin
    for query in queries[:WARM]:
        search(query)
    found, took = [], []
    for query in queries:
        begin = time.perf_counter()
        found.append(search(query))
        took.append(1000 * (time.perf_counter() - begin))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"build_s": build, "took_ms": took, "found": found, "peak_mib": peak}))


main()
