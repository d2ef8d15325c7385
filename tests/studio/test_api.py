import doctest

from studio import api
from studio.paths import sample_models


def test_the_page_of_examples_runs(tmp_path):
    names = {
        "sample": lambda name: sample_models() / name / "model.onnx",
        "folder": tmp_path,
        "MeasureOptions": api.MeasureOptions,
    }
    test = doctest.DocTestFinder().find(api, "api", module=api, extraglobs=names)[0]
    found = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
    assert found.attempted > 8
    assert found.failed == 0
